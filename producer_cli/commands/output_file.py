"""Files that commands write: complete or not at all."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from producer_cli.errors import DISK_FULL_ERRNOS, InvalidInputError, OutputError
from producer_cli.render.formatting import format_size
from producer_cli.text import strip_control_chars

STANDARD_OUTPUT = "-"


def save(chunks: Iterable[bytes], target: Path, *, private: bool = True) -> str:
    """Write the chunks to a file and return a message with its size; `-` is standard output.

    The file appears only when it is complete. If it is `private`, only its owner can read it, because it
    holds personal data.
    Raises InvalidInputError if it cannot be written, OutputError if the disk is full.
    """
    if str(target) == STANDARD_OUTPUT:
        _copy(chunks, sys.stdout.buffer)
        return "Written to standard output."
    with _atomic_open(target, private=private) as file:
        size_bytes = _copy(chunks, file)
    return f"Written to {strip_control_chars(str(target))}, {format_size(size_bytes)}."


def _copy(chunks: Iterable[bytes], target: IO[bytes]) -> int:
    """Copy the chunks and return the number of bytes."""
    size_bytes = sum(target.write(chunk) for chunk in chunks)
    target.flush()
    return size_bytes


@contextmanager
def _atomic_open(target: Path, *, private: bool) -> Iterator[IO[bytes]]:
    """Open a file that replaces `target` when it is complete; a device or pipe is written directly."""
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                yield file
            return
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            try:
                yield file
                if not private:
                    Path(file.name).chmod(0o666 & ~_umask())
                Path(file.name).replace(target)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        error_type = OutputError if error.errno in DISK_FULL_ERRNOS else InvalidInputError
        raise error_type(
            f"{strip_control_chars(str(target))} cannot be written: {error.strerror}."
        ) from error


def _umask() -> int:
    """The mask of the process, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
