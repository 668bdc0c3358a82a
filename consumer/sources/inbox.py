"""Files of the inbox: opened so that no path or link leads out of it."""

import errno
import os
import stat
from collections import deque
from pathlib import Path

from consumer.errors import FileProblem, MigrationError, TransientError
from consumer.sources.inbox_names import SeveralAlikeError, present_name
from consumer.sources.sheet_names import quoted
from schemas.codes import ErrorCode

MAX_LINKS = 20
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""A pipe nobody writes to must not make us wait."""
ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
REFUSED = {errno.EACCES, errno.EPERM, errno.ENXIO, errno.ENODEV}


class _LeadsOut(Exception):
    """A part of the path would leave the inbox."""


def open_inside(inbox: Path, path: str) -> int:
    """A descriptor of a regular file below the inbox, opened for reading.

    Raises FileProblem (`file_outside_inbox`, `file_not_found`, `file_unreadable`), or TransientError when
    the disk does not answer.
    """
    if path.startswith("/") or ".." in path.split("/") or "\x00" in path:
        raise _outside(path)
    try:
        return _regular(_walk(inbox, path), path)
    except _LeadsOut:
        raise _outside(path) from None
    except SeveralAlikeError as error:
        raise FileProblem(ErrorCode.FILE_NOT_FOUND, f"{quoted(path)} {error}") from None
    except OSError as error:
        raise _problem(error, path) from None


def _walk(inbox: Path, path: str) -> int:
    """Go down part by part, each opened below the one before, so that nothing can be swapped meanwhile."""
    folders = [os.open(inbox, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
    parts, links = deque(path.split("/")), 0
    try:
        while True:
            part = present_name(parts.popleft(), folders[-1])
            target = _link(part, folders[-1])
            if target is not None:
                links += 1
                parts.extendleft(reversed(_inside(target, links)))
            elif not parts:
                return os.open(part or ".", FILE, dir_fd=folders[-1])
            else:
                _enter(part, folders)
    finally:
        for folder in folders:
            os.close(folder)


def _link(part: str, folder: int) -> str | None:
    """Where a link leads, or None when the part is no link."""
    try:
        return os.readlink(part, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.ENOENT}:
            return None
        raise


def _inside(target: str, links: int) -> list[str]:
    if target.startswith("/") or links > MAX_LINKS:
        raise _LeadsOut
    return target.split("/")


def _enter(part: str, folders: list[int]) -> None:
    if part == "..":
        if len(folders) == 1:
            raise _LeadsOut
        os.close(folders.pop())
    elif part not in {"", "."}:
        folders.append(os.open(part, DIRECTORY, dir_fd=folders[-1]))


def _regular(file: int, path: str) -> int:
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    raise FileProblem(
        ErrorCode.FILE_UNREADABLE,
        f"{quoted(path)} in the inbox is a folder or a device. Name a file.",
    )


def _outside(path: str) -> MigrationError:
    return FileProblem(
        ErrorCode.FILE_OUTSIDE_INBOX,
        f"{quoted(path)} leads out of the inbox. "
        "Put the file into the inbox, and name it by its path below it.",
    )


def _problem(error: OSError, path: str) -> MigrationError:
    if error.errno in ABSENT:
        return FileProblem(
            ErrorCode.FILE_NOT_FOUND,
            f"{quoted(path)} is not in the inbox. Check the name, or put the file there.",
        )
    if error.errno == errno.ELOOP:
        return _outside(path)
    if error.errno in REFUSED:
        return FileProblem(
            ErrorCode.FILE_UNREADABLE,
            f"{quoted(path)} may not be read by the service. Check its permissions.",
        )
    return TransientError(
        ErrorCode.SOURCE_UNAVAILABLE,
        f"The inbox cannot be read ({errno.errorcode.get(error.errno or 0)}).",
    )
