"""Follows a topic without a group: what is there already, and what comes."""

import logging
import time
from collections.abc import AsyncIterator
from typing import Literal, Self

from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailable, MessagingError
from messaging.partitions import partition_for
from messaging.reading import Offsets, Reader
from messaging.records import Record
from schemas.topics import STATUS

log = logging.getLogger(__name__)

SLICE_SECONDS = 1.0
"""A dead inner task is noticed at the end of a slice."""
OUTAGE_SECONDS = 90.0
"""So long the brokers may be silent: one that was killed needs 20 s to be back, a machine a minute."""
REBUILDS = 3
"""So many new readers without one record between them, and there is no use in another."""


class Subscription:
    """Records of a topic, or of one key; use it as an async context manager.

    Outages are sat through; KafkaUnavailable comes after OUTAGE_SECONDS without a sign of life.
    """

    def __init__(self, connection: KafkaConnection, topic: str, key: bytes | None, client_id: str) -> None:
        self._connection = connection
        self._topic = topic
        self._key = key
        self._client_id = client_id
        self._reader: Reader | None = None
        self._next: Offsets = {}
        self._goal: Offsets = {}
        self._rebuilds = 0

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
        """Read all partitions, or the records of one key; raises KafkaUnavailable, TopicsMissing."""
        self = cls(connection, topic, None if key is None else key.encode(), client_id)
        self._reader = await self._connect()
        try:
            await self._look_around(self._reader, start)
        except BaseException:
            await self.close()
            raise
        return self

    @property
    def caught_up(self) -> bool:
        """Whether all has been read that was there at the opening, or at the last `aim`."""
        return not self._goal

    async def poll(self, timeout: float = SLICE_SECONDS) -> list[Record]:
        """Records as soon as there are some; none after `timeout` seconds, or at the moment of catching up.

        Raises KafkaUnavailable. Must not be cancelled unless the subscription is closed after it.
        """
        end = time.monotonic() + timeout
        while True:
            before = self.caught_up
            records = await self._slice(min(SLICE_SECONDS, max(0.0, end - time.monotonic())))
            if records or self.caught_up != before or time.monotonic() >= end:
                return records

    async def aim(self) -> None:
        """Have `caught_up` speak of what is there at this moment; raises KafkaUnavailable.

        Not at the same time as a poll.
        """
        reader = self._reader or await self._again()
        _, end = await reader.bounds(self._next)
        self._goal = {one: end[one] for one in self._next if self._next[one] < end[one]}

    async def past(self) -> AsyncIterator[Record]:
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

    async def _connect(self) -> Reader:
        return await Reader.open(
            self._connection, self._topic, client_id=self._client_id, lost_offset="earliest"
        )

    async def _look_around(self, reader: Reader, start: str) -> None:
        count = await reader.partitions()
        wanted = range(count) if self._key is None else [partition_for(self._key, count)]
        first, end = await reader.bounds(wanted)
        self._next = end if start == "end" else first
        self._goal = {one: end[one] for one in wanted if self._next[one] < end[one]}
        reader.read_from(self._next)

    async def _slice(self, seconds: float) -> list[Record]:
        try:
            reader = self._reader or await self._again()
            records = await reader.poll(seconds)
            await reader.lag.check()
        except MessagingError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, only a new reader helps
            await self._give_up(error)
            return []
        if time.monotonic() - reader.lag.answered > OUTAGE_SECONDS:
            raise KafkaUnavailable.at(
                self._connection.bootstrap_servers, [f"silent for {OUTAGE_SECONDS:g} s"]
            )
        await self._advance(reader, records)
        return [record for record in records if self._key is None or record.key == self._key]

    async def _advance(self, reader: Reader, records: list[Record]) -> None:
        for record in records:
            self._next[record.partition] = record.offset + 1
            self._rebuilds = 0
        for partition, goal in list(self._goal.items()):
            # The last before the goal may be gone by compaction: then no record tells that it is passed.
            position = await reader.position(partition)
            if max(position or 0, self._next[partition]) >= goal:
                del self._goal[partition]

    async def _again(self) -> Reader:
        reader = await self._connect()
        reader.read_from(self._next)
        self._reader = reader
        return reader

    async def _give_up(self, error: Exception) -> None:
        self._rebuilds += 1
        log.warning("subscription.replaced: %r", error)
        await self.close()
        if self._rebuilds > REBUILDS:
            raise KafkaUnavailable.at(self._connection.bootstrap_servers, [error]) from error
