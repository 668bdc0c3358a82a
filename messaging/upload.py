"""Sends a file from disk in chunks."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from messaging.connection import KafkaConnection
from messaging.errors import UploadRejectedError
from messaging.upload_stream import UploadStream, empty_file_error, validate_name
from schemas.topics import UPLOADS
from schemas.uploads import CHUNK_BYTES, Upload

ProgressCallback = Callable[[int, int], None]
"""Called with the number of bytes sent so far and the size of the file."""


async def send_file(
    connection: KafkaConnection,
    path: Path,
    name: str,
    on_progress: ProgressCallback | None = None,
    *,
    topic: str = UPLOADS.name,
) -> Upload:
    """Send a file; return the reference that a request carries.

    `name` is the file name shown to users. Raises UploadRejectedError, KafkaUnavailableError, and OSError for
    the file.
    """
    name = validate_name(name)
    with _open(path) as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            raise empty_file_error(name)
        async with await UploadStream.open(connection, topic=topic) as stream:
            for chunk in read_chunks(file, size):
                await stream.write(chunk)
                if on_progress:
                    on_progress(stream.size, size)
            return await stream.finish(name)


def read_chunks(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the content of an open file of `size` bytes; raises UploadRejectedError if its size changed."""
    remaining = size
    while remaining:
        chunk = file.read(min(remaining, CHUNK_BYTES))
        if not chunk:
            raise UploadRejectedError(
                "The file changed while it was sent. Send it again when no program writes to it."
            )
        remaining -= len(chunk)
        yield chunk
    if file.read(1):
        raise UploadRejectedError(
            "The file grew while it was sent. Send it again when no program writes to it."
        )


def _open(path: Path) -> BinaryIO:
    return path.open("rb")
