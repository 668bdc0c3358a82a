"""Fetches a file from its chunks: complete and verified, or not at all."""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from aiokafka.errors import OffsetOutOfRangeError

from messaging.connection import KafkaConnection
from messaging.errors import (
    MessagingError,
    TopicsMissingError,
    UploadExpiredError,
    UploadIncompleteError,
)
from messaging.partition_reader import PartitionReader
from messaging.upload_chunks import FileAssembler
from schemas.topics import UPLOADS
from schemas.uploads import Upload

CLIENT_ID = "migration-upload-fetch"
POLL_TIMEOUT_SECONDS = 1.0
MAX_END_OFFSET_CHECKS = 5
"""Checks of the end offset, a second apart, before a range beyond it is rejected."""
CHUNK_TIMEOUT_SECONDS = 45.0
"""For the next chunk of this upload: a broker that was killed is back after 20 s. Chunks of other uploads do
not count: a request may name a range full of them."""


async def fetch_file(
    connection: KafkaConnection, upload: Upload, target: Path, *, topic: str = UPLOADS.name
) -> None:
    """Write the file to `target`, which is created only once the file is complete and its hashes match.

    Raises UploadIncompleteError, UploadCorruptError, UploadExpiredError, KafkaUnavailableError, and OSError
    for the target.
    """
    with _atomic_write(target) as file:
        assembler = FileAssembler(upload, file)
        reader = await PartitionReader.open(connection, topic, client_id=CLIENT_ID, auto_offset_reset="none")
        try:
            await _Download(reader, connection, upload, assembler).run()
        finally:
            await reader.close()
        assembler.verify()


class _Download:
    def __init__(
        self, reader: PartitionReader, connection: KafkaConnection, upload: Upload, assembler: FileAssembler
    ) -> None:
        self._reader = reader
        self._connection = connection
        self._upload = upload
        self._assembler = assembler
        self._last_read_offset = upload.first_offset - 1
        self._saw_other_uploads = False
        """Whether chunks of other uploads arrived after the last one of this upload."""

    async def run(self) -> None:
        """Read until the file is complete, or the last offset is passed."""
        if self._upload.partition >= await self._partition_count():
            raise UploadIncompleteError(
                f"Upload «{self._upload.name}»: the topic has no partition {self._upload.partition}. "
                "Send the file again."
            )
        await self._require_range_retained()
        self._reader.read_from({self._upload.partition: self._upload.first_offset})
        last_chunk_at = time.monotonic()
        while not self._assembler.is_complete and self._last_read_offset < self._upload.last_offset:
            if await self._read_chunks():
                last_chunk_at = time.monotonic()
            elif time.monotonic() - last_chunk_at > CHUNK_TIMEOUT_SECONDS:
                await self._raise_chunk_timeout()

    async def _partition_count(self) -> int:
        try:
            return await self._reader.partition_count()
        except TopicsMissingError:
            raise self._expired_error() from None

    async def _read_chunks(self) -> bool:
        """Poll once; return whether a chunk of this upload arrived."""
        try:
            records = await self._reader.poll(POLL_TIMEOUT_SECONDS)
        except OffsetOutOfRangeError:
            await self._require_next_retained()
            raise self._assembler.incomplete_error() from None
        except MessagingError:
            raise
        except Exception as error:
            raise self._connection.unavailable_error(error) from error
        chunks_before = self._assembler.chunk_count
        for record in records:
            if record.offset <= self._upload.last_offset:
                self._assembler.add(record)
            self._last_read_offset = record.offset
        is_own = self._assembler.chunk_count > chunks_before
        self._saw_other_uploads = not is_own and (self._saw_other_uploads or bool(records))
        return is_own

    async def _require_next_retained(self) -> None:
        """Raise UploadExpiredError if the next chunk is no longer retained."""
        first, _ = await self._offset_bounds()
        if first > self._last_read_offset + 1:
            raise self._expired_error()

    async def _require_range_retained(self) -> None:
        """Raise UploadExpiredError, or UploadIncompleteError if the range exceeds the end of the partition.

        A request names a range only after its last chunk was acknowledged, but a broker that has just become
        leader of the partition may briefly report a lower end offset.
        """
        for tries_left in reversed(range(MAX_END_OFFSET_CHECKS)):
            first, end = await self._offset_bounds()
            if first > self._last_read_offset + 1:
                raise self._expired_error()
            if self._upload.last_offset < end:
                return
            if tries_left:
                await asyncio.sleep(POLL_TIMEOUT_SECONDS)
        raise self._assembler.incomplete_error()

    async def _offset_bounds(self) -> tuple[int, int]:
        """First retained offset, and end offset."""
        first, end = await self._reader.offset_bounds([self._upload.partition])
        return first[self._upload.partition], end[self._upload.partition]

    async def _raise_chunk_timeout(self) -> None:
        """Raise UploadIncompleteError if the chunk does not exist, KafkaUnavailableError if it may."""
        _, end = await self._offset_bounds()
        if self._saw_other_uploads or end <= self._upload.last_offset:
            raise self._assembler.incomplete_error()
        raise self._connection.unavailable_error(
            f"no chunk of «{self._upload.name}» within {CHUNK_TIMEOUT_SECONDS:g} s"
        )

    def _expired_error(self) -> UploadExpiredError:
        return UploadExpiredError(
            f"Upload «{self._upload.name}» is no longer kept by Kafka. Send the file again."
        )


@contextmanager
def _atomic_write(target: Path) -> Iterator[BinaryIO]:
    """Yield a temporary file beside `target` that replaces it at the end, and is removed after an error."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:50]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
