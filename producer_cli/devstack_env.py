"""Reads `.devstack/env` of a checkout, where only the user or root can have written it.

In a folder of somebody else it could send uploads, and with them personal data, to a broker of theirs.
Owner and mode are those of the open file: what is checked is what is read.
"""

import os
import stat
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from producer_cli.errors import InvalidInputError
from producer_cli.text import strip_control_chars

FOLDER, FILE = ".devstack", "env"
FOLDER_OPEN_FLAGS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
FILE_OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Opening a named pipe would wait for somebody to write to it."""
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class UntrustedFileError(Exception):
    """Somebody else may have written the file; the message is the reason, as the end of a sentence."""


@dataclass(slots=True)
class DevstackEnv:
    """The values of the file, none where there is none; and why those that were found are not read."""

    values: dict[str, str] = field(default_factory=dict)
    skip_reasons: list[str] = field(default_factory=list)


def find(folder: Path) -> DevstackEnv:
    """The nearest trusted file in `folder` or above it; raises InvalidInputError if it cannot be read."""
    found = DevstackEnv()
    for place in (folder, *folder.parents):
        try:
            text = _read_env_file(place)
        except UntrustedFileError as error:
            found.skip_reasons.append(
                f"{strip_control_chars(str(place / FOLDER / FILE))} is not read: {error}."
            )
            continue
        if text is not None:
            found.values = parse_env(text)
            break
    return found


def parse_env(text: str) -> dict[str, str]:
    """Lines `KEY=value`; empty lines and comments are passed over, quotes around a value go."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip().removeprefix("export "): _unquoted(value.strip()) for key, value in pairs}


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _read_env_file(folder: Path) -> str | None:
    """What the file below a folder holds; None where there is none, or it may not be opened."""
    with ExitStack() as opened:
        try:
            outer = _open(opened, folder, FOLDER_OPEN_FLAGS)
            inner = _open(opened, Path(FOLDER), FOLDER_OPEN_FLAGS, outer)
            file = _open(opened, Path(FILE), FILE_OPEN_FLAGS, inner)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None
        except OSError as error:
            raise UntrustedFileError(f"it must be a file, not a link ({error.strerror})") from None
        _check_trusted(folder, outer, inner, file)
        return _read_text(folder / FOLDER / FILE, file)


def _open(stack: ExitStack, path: Path, flags: int, dir_fd: int | None = None) -> int:
    descriptor = os.open(path, flags, dir_fd=dir_fd)
    stack.callback(os.close, descriptor)
    return descriptor


def _check_trusted(folder: Path, parent_fd: int, folder_fd: int, file_fd: int) -> None:
    """Raise UntrustedFileError where somebody else may have written the file.

    Root believes root alone, down from the folder above; the files of others are in folders of others.
    """
    if not stat.S_ISREG(os.fstat(file_fd).st_mode):
        raise UntrustedFileError("it must be a file")
    if os.geteuid() != 0:
        if os.fstat(file_fd).st_uid not in {0, os.geteuid()}:
            raise UntrustedFileError("it belongs neither to you nor to root")
        return
    names = {parent_fd: folder, folder_fd: folder / FOLDER, file_fd: folder / FOLDER / FILE}
    for descriptor, name in names.items():
        seen = os.fstat(descriptor)
        if seen.st_uid != 0:
            raise UntrustedFileError(
                f"you are root, and {strip_control_chars(str(name))} belongs to another user"
            )
        if seen.st_mode & WRITABLE_BY_OTHERS:
            raise UntrustedFileError(
                f"you are root, and others may write to {strip_control_chars(str(name))}"
            )


def _read_text(path: Path, fd: int) -> str:
    try:
        with os.fdopen(fd, encoding="utf-8", closefd=False) as text:
            return text.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"{strip_control_chars(str(path))} cannot be read ({type(error).__name__}); "
            "have it made again by `make stack`, or set KAFKA_BOOTSTRAP_SERVERS."
        ) from error
