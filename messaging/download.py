"""Fetches a file from its chunks: whole and as it was sent, or not at all."""

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
    KafkaUnavailableError,
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
"""Looks at the end of a partition, a second apart, before a range beyond it is refused."""
CHUNK_TIMEOUT_SECONDS = 45.0
"""So long an own chunk is waited for: a broker that was killed is back after 20 s. Chunks of other uploads
do not count: a request may name a range full of them."""


async def fetch_file(
    connection: KafkaConnection, upload: Upload, target: Path, *, topic: str = UPLOADS.name
) -> None:
    """Write the file to `target`, which appears only when it is whole and its hashes agree.

    Raises UploadIncompleteError, UploadCorrupt, UploadExpiredError, KafkaUnavailableError, OSError for the target.
    """
    with _atomic_write(target) as file:
        assembly = FileAssembler(upload, file)
        reader = await PartitionReader.open(connection, topic, client_id=CLIENT_ID, auto_offset_reset="none")
        try:
            await _Download(reader, connection, upload, assembly).run()
        finally:
            await reader.close()
        assembly.verify()


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
        """Whether chunks of other uploads came since the last own one."""

    async def run(self) -> None:
        """Read until the file is whole, or the last offset is passed."""
        if self._upload.partition >= await self._partition_count():
            raise UploadIncompleteError(
                f"Upload «{self._upload.name}»: the topic has no partition {self._upload.partition}. "
                "Send the file again."
            )
        await self._require_range_retained()
        self._reader.read_from({self._upload.partition: self._upload.first_offset})
        silent_since = time.monotonic()
        while not self._assembler.is_complete and self._last_read_offset < self._upload.last_offset:
            if await self._read_chunks():
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > CHUNK_TIMEOUT_SECONDS:
                await self._raise_chunk_timeout()

    async def _partition_count(self) -> int:
        try:
            return await self._reader.partition_count()
        except TopicsMissingError:
            raise self._expired_error() from None

    async def _read_chunks(self) -> bool:
        try:
            records = await self._reader.poll(POLL_TIMEOUT_SECONDS)
        except OffsetOutOfRangeError:
            await self._require_next_retained()
            raise self._assembler.incomplete_error() from None
        except MessagingError:
            raise
        except Exception as error:
            raise self._unavailable_error(str(error) or type(error).__name__) from error
        chunks = self._assembler.chunk_count
        for record in records:
            if record.offset <= self._upload.last_offset:
                self._assembler.add(record)
            self._last_read_offset = record.offset
        is_own = self._assembler.chunk_count > chunks
        self._saw_other_uploads = not is_own and (self._saw_other_uploads or bool(records))
        return is_own

    async def _require_next_retained(self) -> None:
        """Raise UploadExpiredError when the next chunk is no longer in the log."""
        first, _ = await self._offset_bounds()
        if first > self._last_read_offset + 1:
            raise self._expired_error()

    async def _require_range_retained(self) -> None:
        """Raise UploadExpiredError, or UploadIncompleteError where the range goes beyond the end of the partition.

        A request names a range only after its last chunk was acknowledged; a broker that has just taken the
        partition over may not show it for a moment.
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
        """First offset kept, and the one after the last."""
        first, end = await self._reader.offset_bounds([self._upload.partition])
        return first[self._upload.partition], end[self._upload.partition]

    async def _raise_chunk_timeout(self) -> None:
        """No own chunk came for long: say whether there is none, or Kafka does not deliver."""
        _, end = await self._offset_bounds()
        if self._saw_other_uploads or end <= self._upload.last_offset:
            raise self._assembler.incomplete_error()
        raise self._unavailable_error(f"no chunk of «{self._upload.name}» within {CHUNK_TIMEOUT_SECONDS:g} s")

    def _expired_error(self) -> UploadExpiredError:
        return UploadExpiredError(
            f"Upload «{self._upload.name}» is no longer kept by Kafka. Send the file again."
        )

    def _unavailable_error(self, cause: str) -> KafkaUnavailableError:
        return KafkaUnavailableError.for_servers(self._connection.bootstrap_servers, [cause])


@contextmanager
def _atomic_write(target: Path) -> Iterator[BinaryIO]:
    """A file beside `target` that takes its place at the end, and vanishes after an error."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:50]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
