"""Files that a command writes: each appears only when it is complete."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from producer_cli.errors import DISK_FULL_ERRNOS, InvalidInputError, OutputError
from producer_cli.text import strip_control_chars


def copy_chunks(chunks: Iterable[bytes], target: IO[bytes]) -> int:
    """Copy the chunks and return the number of bytes."""
    size_bytes = sum(target.write(chunk) for chunk in chunks)
    target.flush()
    return size_bytes


@contextmanager
def open_when_complete(target: Path, *, private: bool) -> Iterator[IO[bytes]]:
    """Open a file that replaces `target` when it is complete; a device or pipe is written directly.

    If it is `private`, only its owner can read it. Raises InvalidInputError, OutputError.
    """
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
