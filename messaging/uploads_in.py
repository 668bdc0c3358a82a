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

from messaging.chunks import Assembly
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailable, MessagingError, TopicsMissing, UploadExpired, UploadIncomplete
from messaging.reading import Reader
from schemas.topics import UPLOADS
from schemas.uploads import Upload

CLIENT_ID = "migration-upload-fetch"
SLICE_SECONDS = 1.0
END_TRIES = 5
"""Looks at the end of a partition, a second apart, before a range beyond it is refused."""
SILENCE_SECONDS = 45.0
"""So long an own chunk is waited for: a broker that was killed is back after 20 s. Chunks of other uploads
do not count: a request may name a range full of them."""


async def fetch_file(
    connection: KafkaConnection, upload: Upload, target: Path, *, topic: str = UPLOADS.name
) -> None:
    """Write the file to `target`, which appears only when it is whole and its hashes agree.

    Raises UploadIncomplete, UploadCorrupt, UploadExpired, KafkaUnavailable, OSError for the target.
    """
    with _appearing(target) as file:
        assembly = Assembly(upload, file)
        reader = await Reader.open(connection, topic, client_id=CLIENT_ID, lost_offset="none")
        try:
            await _Fetching(reader, connection, upload, assembly).run()
        finally:
            await reader.close()
        assembly.finish()


class _Fetching:
    def __init__(
        self, reader: Reader, connection: KafkaConnection, upload: Upload, assembly: Assembly
    ) -> None:
        self._reader = reader
        self._connection = connection
        self._upload = upload
        self._assembly = assembly
        self._passed = upload.first_offset - 1
        self._others = False
        """Whether chunks of other uploads came since the last own one."""

    async def run(self) -> None:
        """Read until the file is whole, or the last offset is passed."""
        if self._upload.partition >= await self._partitions():
            raise UploadIncomplete(
                f"Upload «{self._upload.name}»: the topic has no partition {self._upload.partition}. "
                "Send the file again."
            )
        await self._require_in_log()
        self._reader.read_from({self._upload.partition: self._upload.first_offset})
        silent_since = time.monotonic()
        while not self._assembly.whole and self._passed < self._upload.last_offset:
            if await self._progress():
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > SILENCE_SECONDS:
                await self._silent()

    async def _partitions(self) -> int:
        try:
            return await self._reader.partitions()
        except TopicsMissing:
            raise self._expired() from None

    async def _progress(self) -> bool:
        try:
            records = await self._reader.poll(SLICE_SECONDS)
        except OffsetOutOfRangeError:
            await self._require_kept()
            raise self._assembly.incomplete() from None
        except MessagingError:
            raise
        except Exception as error:
            raise self._unavailable(str(error) or type(error).__name__) from error
        chunks = self._assembly.count
        for record in records:
            if record.offset <= self._upload.last_offset:
                self._assembly.take(record)
            self._passed = record.offset
        is_own = self._assembly.count > chunks
        self._others = not is_own and (self._others or bool(records))
        return is_own

    async def _require_kept(self) -> None:
        """Raise UploadExpired when the next chunk is no longer in the log."""
        first, _ = await self._bounds()
        if first > self._passed + 1:
            raise self._expired()

    async def _require_in_log(self) -> None:
        """Raise UploadExpired, or UploadIncomplete where the range goes beyond the end of the partition.

        A request names a range only after its last chunk was acknowledged; a broker that has just taken the
        partition over may not show it for a moment.
        """
        for tries_left in reversed(range(END_TRIES)):
            first, end = await self._bounds()
            if first > self._passed + 1:
                raise self._expired()
            if self._upload.last_offset < end:
                return
            if tries_left:
                await asyncio.sleep(SLICE_SECONDS)
        raise self._assembly.incomplete()

    async def _bounds(self) -> tuple[int, int]:
        """First offset kept, and the one after the last."""
        first, end = await self._reader.bounds([self._upload.partition])
        return first[self._upload.partition], end[self._upload.partition]

    async def _silent(self) -> None:
        """No own chunk came for long: say whether there is none, or Kafka does not deliver."""
        _, end = await self._bounds()
        if self._others or end <= self._upload.last_offset:
            raise self._assembly.incomplete()
        raise self._unavailable(f"no chunk of «{self._upload.name}» within {SILENCE_SECONDS:g} s")

    def _expired(self) -> UploadExpired:
        return UploadExpired(f"Upload «{self._upload.name}» is no longer kept by Kafka. Send the file again.")

    def _unavailable(self, why: str) -> KafkaUnavailable:
        return KafkaUnavailable.at(self._connection.bootstrap_servers, [why])


@contextmanager
def _appearing(target: Path) -> Iterator[BinaryIO]:
    """A file beside `target` that takes its place at the end, and vanishes after an error."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:50]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
