"""Follows a topic without a group: what is there already, and what comes."""

import logging
import time
from collections.abc import AsyncIterator
from typing import Literal, Self

from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError, MessagingError
from messaging.partition_reader import Offsets, PartitionReader
from messaging.partitions import partition_for
from messaging.records import Record
from schemas.topics import STATUS

log = logging.getLogger(__name__)

POLL_TIMEOUT_SECONDS = 1.0
"""A dead inner task is noticed at the end of a slice."""
SILENCE_TIMEOUT_SECONDS = 90.0
"""So long the brokers may be silent: one that was killed needs 20 s to be back, a machine a minute."""
MAX_RECONNECTS = 3
"""So many new readers without one record between them, and there is no use in another."""


class Subscription:
    """Records of a topic, or of one key; use it as an async context manager.

    Outages are sat through; KafkaUnavailableError comes after SILENCE_TIMEOUT_SECONDS without a sign of life.
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
        """Read all partitions, or the records of one key; raises KafkaUnavailableError, TopicsMissing."""
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
        """Whether all has been read that was there at the opening, or at the last `mark_end`."""
        return not self._end_offsets

    async def poll(self, timeout: float = POLL_TIMEOUT_SECONDS) -> list[Record]:
        """Records as soon as there are some; none after `timeout` seconds, or at the moment of catching up.

        Raises KafkaUnavailableError. Must not be cancelled unless the subscription is closed after it.
        """
        end = time.monotonic() + timeout
        while True:
            before = self.caught_up
            records = await self._poll_once(min(POLL_TIMEOUT_SECONDS, max(0.0, end - time.monotonic())))
            if records or self.caught_up != before or time.monotonic() >= end:
                return records

    async def mark_end(self) -> None:
        """Have `caught_up` speak of what is there at this moment; raises KafkaUnavailableError.

        Not at the same time as a poll.
        """
        reader = self._reader or await self._reconnect()
        _, end = await reader.offset_bounds(self._next_offsets)
        self._end_offsets = {
            one: end[one] for one in self._next_offsets if self._next_offsets[one] < end[one]
        }

    async def read_existing(self) -> AsyncIterator[Record]:
        """What was there when the subscription was opened (perhaps a little more), then it ends."""
        while not self.caught_up:
            for record in await self.poll():
                yield record

    async def __aiter__(self) -> AsyncIterator[Record]:
        while True:
            for record in await self.poll():
                yield record

    async def close(self) -> None:
        """Close the connections; bounded, never raises."""
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
        wanted = range(count) if self._key is None else [partition_for(self._key, count)]
        first, end = await reader.offset_bounds(wanted)
        self._next_offsets = end if start == "end" else first
        self._end_offsets = {one: end[one] for one in wanted if self._next_offsets[one] < end[one]}
        reader.read_from(self._next_offsets)

    async def _poll_once(self, timeout: float) -> list[Record]:
        try:
            reader = self._reader or await self._reconnect()
            records = await reader.poll(timeout)
            await reader.stall_detector.check()
        except MessagingError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, only a new reader helps
            await self._discard_reader(error)
            return []
        if time.monotonic() - reader.stall_detector.last_response > SILENCE_TIMEOUT_SECONDS:
            raise KafkaUnavailableError.for_servers(
                self._connection.bootstrap_servers, [f"silent for {SILENCE_TIMEOUT_SECONDS:g} s"]
            )
        await self._advance(reader, records)
        return [record for record in records if self._key is None or record.key == self._key]

    async def _advance(self, reader: PartitionReader, records: list[Record]) -> None:
        for record in records:
            self._next_offsets[record.partition] = record.offset + 1
            self._reconnects = 0
        for partition, goal in list(self._end_offsets.items()):
            # The last before the goal may be gone by compaction: then no record tells that it is passed.
            position = await reader.position(partition)
            if max(position or 0, self._next_offsets[partition]) >= goal:
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
            raise KafkaUnavailableError.for_servers(self._connection.bootstrap_servers, [error]) from error
