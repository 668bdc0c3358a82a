"""Follows a topic without a consumer group: existing records first, then new ones."""

import logging
import time
from collections.abc import AsyncIterator
from typing import Literal, Self

from aiokafka.partitioner import murmur2

from messaging.connection import KafkaConnection
from messaging.errors import MessagingError
from messaging.partition_reader import Offsets, PartitionReader
from messaging.records import Record
from schemas.topics import STATUS

log = logging.getLogger(__name__)

POLL_TIMEOUT_SECONDS = 1.0
"""How soon a dead inner task is noticed."""
SILENCE_TIMEOUT_SECONDS = 90.0
"""Of the brokers: one that was killed is back after 20 s, a machine after a minute."""
MAX_RECONNECTS = 3
"""In a row, without a record in between."""


def partition_for(key: bytes, partition_count: int) -> int:
    """The partition (from 0) of a key: murmur2, the default of every Kafka client."""
    return int((murmur2(key) & 0x7FFFFFFF) % partition_count)


class Subscription:
    """Records of a topic, or of one key; an async context manager.

    Short outages are waited out; after SILENCE_TIMEOUT_SECONDS without a response it raises
    KafkaUnavailableError.
    """

    def __init__(self, connection: KafkaConnection, topic: str, key: bytes | None, client_id: str) -> None:
        self._connection = connection
        self._topic = topic
        self._key = key
        self._client_id = client_id
        self._reader: PartitionReader | None = None
        self._next_offsets: Offsets = {}
        self._end_offsets: Offsets = {}
        self._reconnects = 0

    @classmethod
    async def open(
        cls,
        connection: KafkaConnection,
        topic: str = STATUS.name,
        *,
        key: str | None = None,
        start: Literal["beginning", "end"] = "beginning",
        client_id: str = "migration-subscription",
    ) -> Self:
        """Read all partitions, or only records of `key`; raises KafkaUnavailableError, TopicsMissingError."""
        self = cls(connection, topic, None if key is None else key.encode(), client_id)
        self._reader = await self._connect()
        try:
            await self._load_bounds(self._reader, start)
        except BaseException:
            await self.close()
            raise
        return self

    @property
    def caught_up(self) -> bool:
        """Whether everything has been read that existed when it was opened, or at the last `mark_end`."""
        return not self._end_offsets

    async def poll(self, timeout: float = POLL_TIMEOUT_SECONDS) -> list[Record]:
        """Return records as they arrive; none after `timeout` seconds, or when `caught_up` becomes true.

        Raises KafkaUnavailableError. After a cancellation the subscription must be closed.
        """
        end = time.monotonic() + timeout
        while True:
            was_caught_up = self.caught_up
            records = await self._poll_once(min(POLL_TIMEOUT_SECONDS, max(0.0, end - time.monotonic())))
            if records or self.caught_up != was_caught_up or time.monotonic() >= end:
                return records

    async def mark_end(self) -> None:
        """Let `caught_up` refer to the current end of the topic; raises KafkaUnavailableError.

        Must not run concurrently with `poll`.
        """
        reader = self._reader or await self._reconnect()
        _, end = await reader.offset_bounds(self._next_offsets)
        self._end_offsets = _unreached_ends(self._next_offsets, end)

    async def read_existing(self) -> AsyncIterator[Record]:
        """Yield the records that existed when the subscription was opened, and perhaps a few newer ones."""
        while not self.caught_up:
            for record in await self.poll():
                yield record

    async def __aiter__(self) -> AsyncIterator[Record]:
        while True:
            for record in await self.poll():
                yield record

    async def close(self) -> None:
        """Close the connections, within a time limit; never raises."""
        if self._reader is not None:
            reader, self._reader = self._reader, None
            await reader.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def _connect(self) -> PartitionReader:
        return await PartitionReader.open(
            self._connection, self._topic, client_id=self._client_id, auto_offset_reset="earliest"
        )

    async def _load_bounds(self, reader: PartitionReader, start: str) -> None:
        count = await reader.partition_count()
        partitions = range(count) if self._key is None else [partition_for(self._key, count)]
        first, end = await reader.offset_bounds(partitions)
        self._next_offsets = end if start == "end" else first
        self._end_offsets = _unreached_ends(self._next_offsets, end)
        reader.read_from(self._next_offsets)

    async def _poll_once(self, timeout: float) -> list[Record]:
        try:
            reader = self._reader or await self._reconnect()
            records = await reader.poll(timeout)
            await reader.stall_detector.check()
        except MessagingError:
            raise
        except Exception as error:  # noqa: BLE001 - after any error only a new reader helps
            await self._discard_reader(error)
            return []
        if time.monotonic() - reader.stall_detector.last_response > SILENCE_TIMEOUT_SECONDS:
            raise self._connection.unavailable_error(f"silent for {SILENCE_TIMEOUT_SECONDS:g} s")
        await self._advance(reader, records)
        return [record for record in records if self._key is None or record.key == self._key]

    async def _advance(self, reader: PartitionReader, records: list[Record]) -> None:
        for record in records:
            self._next_offsets[record.partition] = record.offset + 1
            self._reconnects = 0
        for partition, end in list(self._end_offsets.items()):
            # Compaction may have removed the last record before the end: then only the position passes it.
            position = await reader.position(partition)
            if max(position or 0, self._next_offsets[partition]) >= end:
                del self._end_offsets[partition]

    async def _reconnect(self) -> PartitionReader:
        reader = await self._connect()
        reader.read_from(self._next_offsets)
        self._reader = reader
        return reader

    async def _discard_reader(self, error: Exception) -> None:
        self._reconnects += 1
        log.warning("subscription.replaced: %r", error)
        await self.close()
        if self._reconnects > MAX_RECONNECTS:
            raise self._connection.unavailable_error(error) from error


def _unreached_ends(next_offsets: Offsets, end_offsets: Offsets) -> Offsets:
    """End offsets of the partitions that have not been read up to them."""
    return {
        partition: end_offsets[partition]
        for partition, offset in next_offsets.items()
        if offset < end_offsets[partition]
    }
