"""The inner loop of a group member: poll, hand over, commit, and seek back what was not taken."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from messaging import internals, progress
from messaging.clients import FAILURES
from messaging.guard import Overdue, pause, unless, within
from messaging.health import LagCheck, Refusals, require_alive
from messaging.records import Record

log = logging.getLogger(__name__)

T = TypeVar("T")

POLL_MS = 1_000
POLL_SECONDS = 45.0
"""In a rebalance it does not keep to its own timeout, but waits for the other members, and for a frozen one
until its session ends; beyond that the consumer is of no more use. Cancelled it is of none either."""
LAST_POLL_SECONDS = 2.0
"""What it still gets once we are asked to stop."""
MAX_POLL_RECORDS = 300
"""Of all partitions together; of each the client holds one MiB, or one record."""
SLICE_RECORDS = 50
"""Handed over and committed at once: what took long need not be done again."""
HANDLE_SECONDS = 20.0
"""For one record, or a slice: inserts, no jobs. What the handler does in it reports by itself."""
ROUND_SECONDS = 30.0
"""After so long the rest of a poll is left for the next one: a poll comes before `max_poll_interval_ms` then,
also where the last record, the commit, an owed one and the look at the lag all take their whole limit."""
COMMIT_SECONDS = 20.0
"""The library retries a commit without end while the broker is away."""
LOOK_SECONDS = 5.0
"""For a question about what is committed."""
LAST_HANDLE_SECONDS = 5.0
LAST_COMMIT_SECONDS = 2.0
"""What each still gets once we are asked to stop: hundreds of times what it takes."""
RETRY_SECONDS = 1.0
ASK_SECONDS = 4.0
"""Whether the service is ready is told by the brokers' last answer: idle ones are asked this often."""

Handle = Callable[[Record], Awaitable[None]]
"""Takes the records of one partition in order: durable when it returns, handed over again when it raises."""

HandleSlice = Callable[[Sequence[Record]], Awaitable[None]]
"""Takes some of them at once, all or none; where it raises they are handed over one by one."""

Committed = Callable[[], Awaitable[None]]
"""Hears that the offsets of what was handled are committed."""

Polled = dict[TopicPartition, list[Record]]


class Polling:
    """Polls one started consumer until asked to stop. Raises when only a new consumer helps."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        handle: Handle,
        committed: Committed,
        alive: Callable[[], None],
        stop: asyncio.Event,
        handle_slice: HandleSlice | None = None,
    ) -> None:
        self._consumer = consumer
        self._handle = handle
        self._handle_slice = handle_slice
        self._committed = committed
        self._alive = alive
        self._stop = stop
        self._lag = LagCheck(consumer, ASK_SECONDS)
        self._refusals = Refusals()
        self._told = progress.told()
        self._hung = False
        """The last try of a handler overstayed its limit, and its records are still there."""
        self._owed: dict[TopicPartition, int] = {}
        """Offsets whose commit failed."""

    @property
    def answered(self) -> float:
        """When the brokers last gave a sign of life, by `time.monotonic()`."""
        return self._lag.answered

    async def run(self) -> None:
        """Until `stop`; membership outlives a handler that raises and brokers that are away."""
        with progress.ticking(self._tick):
            while not self._stop.is_set():
                polled = await self._poll()
                if not await self._hand_over(polled):
                    await pause(self._stop, RETRY_SECONDS)
                await self._commit_owed()
                await unless(self._stop, self._lag.check())

    def _tick(self) -> None:
        """What comes between a handler that hung and its next try is no progress."""
        if not self._hung:
            self._told()

    async def _poll(self) -> Polled:
        # A task of its own: when the coordination task was cancelled, getmany raises that very error.
        call = self._consumer.getmany(timeout_ms=POLL_MS)
        try:
            raw = await within(POLL_SECONDS, call, stop=self._stop, then=LAST_POLL_SECONDS)
        except Overdue:
            if self._stop.is_set():
                return {}
            raise
        require_alive(internals.group_tasks(self._consumer))
        self._hung = self._hung and bool(raw)
        if not self._hung:
            self._alive()
        self._lag.saw(raw, full=sum(map(len, raw.values())) >= MAX_POLL_RECORDS)
        return {partition: [Record.of(one) for one in records] for partition, records in raw.items()}

    async def _hand_over(self, polled: Polled) -> bool:
        """Whether all was taken; the rest is sought back."""
        end = time.monotonic() + ROUND_SECONDS
        # In another order each time: no partition waits for ever behind one that fails.
        order = random.sample(list(polled), len(polled))
        return all([await self._in_slices(partition, polled[partition], end) for partition in order])

    async def _in_slices(self, partition: TopicPartition, records: list[Record], end: float) -> bool:
        for start in range(0, len(records), SLICE_RECORDS):
            part = records[start : start + SLICE_RECORDS]
            taken = await self._take(part, end)
            if taken:
                await self._commit(partition, part[taken - 1].offset + 1)
            if taken < len(part):
                self._seek_back(partition, part[taken].offset)
                return False
        return True

    async def _take(self, records: Sequence[Record], end: float) -> int:
        """How many were taken: one that fails costs none of those before it."""
        if len(records) > 1 and self._goes_on(end) and await self._taken_at_once(records):
            return len(records)
        for taken, record in enumerate(records):
            if not (self._goes_on(end) and await self._taken(record)):
                return taken
        return len(records)

    def _goes_on(self, end: float) -> bool:
        return time.monotonic() < end and not self._stop.is_set()

    async def _taken_at_once(self, records: Sequence[Record]) -> bool:
        if self._handle_slice is None:
            return False
        error = await self._error_of(_call(self._handle_slice, records))
        if error is not None:
            first = records[0]
            log.info("records.split: %s/%s from %d: %r", first.topic, first.partition, first.offset, error)
        return error is None

    async def _taken(self, record: Record) -> bool:
        error = await self._error_of(_call(self._handle, record))
        if error is not None:
            log.warning(
                "records.not_taken: %s/%s from %d, trying again: %r",
                record.topic,
                record.partition,
                record.offset,
                error,
            )
        return error is None

    async def _error_of(self, call: Coroutine[Any, Any, None]) -> Exception | None:
        """Why a handler took nothing; None where it took all."""
        self._hung = False
        try:
            await within(HANDLE_SECONDS, call, stop=self._stop, then=LAST_HANDLE_SECONDS, silent=True)
        except Exception as error:  # noqa: BLE001 - whatever it was, the records come again
            self._hung = isinstance(error, Overdue)
            return error
        return None

    def _seek_back(self, partition: TopicPartition, offset: int) -> None:
        try:
            self._consumer.seek(partition, offset)
        except IllegalStateError:
            log.info("partition.moved: %s/%s, its new owner reads on", partition.topic, partition.partition)

    async def _commit_owed(self) -> None:
        """Once more what could not be committed: nothing may come after it on its partition for days.

        One at a time, since each may take its whole limit.
        """
        for partition, offset in list(self._owed.items())[:1]:
            if await self._is_behind(partition, offset):
                await self._commit(partition, offset)

    async def _is_behind(self, partition: TopicPartition, offset: int) -> bool:
        """Whether the group stands before an offset we owe: another member may have gone on meanwhile."""
        try:
            stands = await within(LOOK_SECONDS, self._consumer.committed(partition))
        except FAILURES:
            return False
        if stands is None or stands < offset:
            return True
        self._owed.pop(partition, None)
        return False

    async def _commit(self, partition: TopicPartition, offset: int) -> None:
        self._owed.pop(partition, None)
        if partition not in self._consumer.assignment():
            return
        try:
            call = self._consumer.commit({partition: offset})
            await within(COMMIT_SECONDS, call, stop=self._stop, then=LAST_COMMIT_SECONDS)
            self._lag.heard()
            self._refusals.taken()
            await self._committed()
        except FAILURES as error:
            # Final, or of unknown fate: should the records come again, their reader knows them.
            self._owed[partition] = offset
            log.warning("offsets.not_committed: %r", error)
            if isinstance(error, CommitFailedError):
                self._refusals.refused()


async def _call(handle: Callable[[T], Awaitable[None]], taken: T) -> None:
    await handle(taken)
