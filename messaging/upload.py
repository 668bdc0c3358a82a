"""Sends a file from the disk in chunks, and says where they lie."""

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
"""Called with how many bytes were read and are on their way, and how many there are."""


async def send_file(
    connection: KafkaConnection,
    path: Path,
    name: str,
    on_progress: ProgressCallback | None = None,
    *,
    topic: str = UPLOADS.name,
) -> Upload:
    """Send a file; the answer is what a request names it by.

    `name` is what people know the file by. Raises UploadRejectedError, KafkaUnavailable, OSError for the file.
    """
    name = validate_name(name)
    with _open(path) as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            raise empty_file_error(name)
        async with await UploadStream.open(connection, topic=topic) as stream:
            for piece in read_chunks(file, size):
                await stream.write(piece)
                if on_progress:
                    on_progress(stream.size, size)
            return await stream.finish(name)


def read_chunks(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The content of an open file of `size` bytes; raises UploadRejectedError when it is another size by now."""
    left = size
    while left:
        piece = file.read(min(left, CHUNK_BYTES))
        if not piece:
            raise UploadRejectedError(
                "The file changed while it was sent. Send it again when nobody writes to it."
            )
        left -= len(piece)
        yield piece
    if file.read(1):
        raise UploadRejectedError("The file grew while it was sent. Send it again when nobody writes to it.")


def _open(path: Path) -> BinaryIO:
    return path.open("rb")
