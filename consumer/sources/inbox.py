"""Opens files of the inbox; no path and no symbolic link can lead out of it."""

import errno
import os
import stat
from collections import deque
from pathlib import Path

from consumer.errors import MigrationError, SourceFileError, TransientError
from consumer.sources.inbox_names import AmbiguousNameError, resolve_name
from consumer.sources.sheet_names import quote_name
from schemas.codes import ErrorCode

MAX_LINKS = 20
DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""O_NONBLOCK: opening a named pipe without a writer would block."""
NOT_FOUND_ERRNOS = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
UNREADABLE_ERRNOS = {errno.EACCES, errno.EPERM, errno.ENXIO, errno.ENODEV}


class _PathEscapesInboxError(Exception):
    """The path, or a symbolic link in it, leads out of the inbox."""


def open_beneath(inbox: Path, path: str) -> int:
    """Open a regular file below the inbox for reading; returns its descriptor.

    Raises SourceFileError (`file_outside_inbox`, `file_not_found`, `file_unreadable`), or TransientError for
    other errors of the disk.
    """
    if path.startswith("/") or ".." in path.split("/") or "\x00" in path:
        raise _outside_inbox_error(path)
    try:
        return _require_regular_file(_open_path(inbox, path), path)
    except _PathEscapesInboxError:
        raise _outside_inbox_error(path) from None
    except AmbiguousNameError as error:
        raise SourceFileError(ErrorCode.FILE_NOT_FOUND, f"{quote_name(path)} {error}") from None
    except OSError as error:
        raise _translate_os_error(error, path) from None


def _open_path(inbox: Path, path: str) -> int:
    """Open part by part, each relative to the descriptor before, so that no folder can be swapped on the way.

    Links are followed here instead of by the kernel: openat2's RESOLVE_BENEATH is not in Python.
    """
    folders = [os.open(inbox, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
    parts, links = deque(path.split("/")), 0
    try:
        while True:
            part = resolve_name(parts.popleft(), folders[-1])
            target = _read_link(part, folders[-1])
            if target is not None:
                links += 1
                parts.extendleft(reversed(_link_parts(target, links)))
            elif not parts:
                return os.open(part or ".", FILE_FLAGS, dir_fd=folders[-1])
            else:
                _enter_folder(part, folders)
    finally:
        for folder in folders:
            os.close(folder)


def _read_link(part: str, folder: int) -> str | None:
    """The target of a symbolic link, None if the part is not a link."""
    try:
        return os.readlink(part, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.ENOENT}:
            return None
        raise


def _link_parts(target: str, links: int) -> list[str]:
    if target.startswith("/") or links > MAX_LINKS:
        raise _PathEscapesInboxError
    return target.split("/")


def _enter_folder(part: str, folders: list[int]) -> None:
    if part == "..":
        if len(folders) == 1:
            raise _PathEscapesInboxError
        os.close(folders.pop())
    elif part not in {"", "."}:
        folders.append(os.open(part, DIRECTORY_FLAGS, dir_fd=folders[-1]))


def _require_regular_file(file: int, path: str) -> int:
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    raise SourceFileError(
        ErrorCode.FILE_UNREADABLE,
        f"{quote_name(path)} in the inbox is a folder or a device. Name a file.",
    )


def _outside_inbox_error(path: str) -> MigrationError:
    return SourceFileError(
        ErrorCode.FILE_OUTSIDE_INBOX,
        f"{quote_name(path)} leads out of the inbox. "
        "Put the file into the inbox, and name it by its path below it.",
    )


def _translate_os_error(error: OSError, path: str) -> MigrationError:
    if error.errno in NOT_FOUND_ERRNOS:
        return SourceFileError(
            ErrorCode.FILE_NOT_FOUND,
            f"{quote_name(path)} is not in the inbox. Check the name, or put the file there.",
        )
    if error.errno == errno.ELOOP:
        return _outside_inbox_error(path)
    if error.errno in UNREADABLE_ERRNOS:
        return SourceFileError(
            ErrorCode.FILE_UNREADABLE,
            f"{quote_name(path)} may not be read by the service. Check its permissions.",
        )
    return TransientError(
        ErrorCode.SOURCE_UNAVAILABLE,
        f"The inbox cannot be read ({errno.errorcode.get(error.errno or 0)}).",
    )
