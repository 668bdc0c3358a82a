"""The inner loop of a group member: poll, hand over, commit, and seek back what was not taken."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from messaging import aiokafka_private, watchdog
from messaging.clients import CLIENT_ERRORS
from messaging.records import Record
from messaging.stall_detection import CommitRejections, StallDetector, require_alive
from messaging.timeouts import DeadlineExceededError, call_with_deadline, run_until, sleep_or_stop

log = logging.getLogger(__name__)

T = TypeVar("T")

POLL_TIMEOUT_MS = 1_000
POLL_DEADLINE_SECONDS = 45.0
"""In a rebalance it does not keep to its own timeout, but waits for the other members, and for a frozen one
until its session ends; beyond that the consumer is of no more use. Cancelled it is of none either."""
POLL_STOP_GRACE_SECONDS = 2.0
"""What it still gets once we are asked to stop."""
MAX_POLL_RECORDS = 300
"""Of all partitions together; of each the client holds one MiB, or one record."""
COMMIT_EVERY = 50
"""Handed over and committed at once: what took long need not be done again."""
HANDLER_TIMEOUT_SECONDS = 20.0
"""For one record, or a slice: inserts, no jobs. What the handler does in it reports by itself."""
MAX_HANDLING_SECONDS = 30.0
"""After so long the rest of a poll is left for the next one: a poll comes before `max_poll_interval_ms` then,
also where the last record, the commit, an owed one and the look at the lag all take their whole limit."""
COMMIT_TIMEOUT_SECONDS = 20.0
"""The library retries a commit without end while the broker is away."""
COMMITTED_TIMEOUT_SECONDS = 5.0
"""For a question about what is committed."""
HANDLER_STOP_GRACE_SECONDS = 5.0
COMMIT_STOP_GRACE_SECONDS = 2.0
"""What each still gets once we are asked to stop: hundreds of times what it takes."""
RETRY_INTERVAL_SECONDS = 1.0
IDLE_PROBE_SECONDS = 4.0
"""Whether the service is ready is told by the brokers' last answer: idle ones are asked this often."""

RecordHandler = Callable[[Record], Awaitable[None]]
"""Takes the records of one partition in order: durable when it returns, handed over again when it raises."""

SliceHandler = Callable[[Sequence[Record]], Awaitable[None]]
"""Takes some of them at once, all or none; where it raises they are handed over one by one."""

CommitCallback = Callable[[], Awaitable[None]]
"""Hears that the offsets of what was handled are committed."""

PolledRecords = dict[TopicPartition, list[Record]]


class PollLoop:
    """Polls one started consumer until asked to stop. Raises when only a new consumer helps."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        handle: RecordHandler,
        on_committed: CommitCallback,
        on_poll: Callable[[], None],
        stop: asyncio.Event,
        handle_slice: SliceHandler | None = None,
    ) -> None:
        self._consumer = consumer
        self._handle = handle
        self._handle_slice = handle_slice
        self._on_committed = on_committed
        self._on_poll = on_poll
        self._stop = stop
        self._stall_detector = StallDetector(consumer, IDLE_PROBE_SECONDS)
        self._commit_rejections = CommitRejections()
        self._report_progress = watchdog.current_reporter()
        self._handler_stalled = False
        """The last try of a handler overstayed its limit, and its records are still there."""
        self._failed_commits: dict[TopicPartition, int] = {}
        """Offsets whose commit failed."""

    @property
    def last_response(self) -> float:
        """When the brokers last gave a sign of life, by `time.monotonic()`."""
        return self._stall_detector.last_response

    async def run(self) -> None:
        """Until `stop`; membership outlives a handler that raises and brokers that are away."""
        with watchdog.reporting_to(self._report_unless_stalled):
            while not self._stop.is_set():
                polled = await self._poll()
                if not await self._handle_polled(polled):
                    await sleep_or_stop(self._stop, RETRY_INTERVAL_SECONDS)
                await self._retry_failed_commit()
                await run_until(self._stop, self._stall_detector.check())

    def _report_unless_stalled(self) -> None:
        """What comes between a handler that hung and its next try is no progress."""
        if not self._handler_stalled:
            self._report_progress()

    async def _poll(self) -> PolledRecords:
        # A task of its own: when the coordination task was cancelled, getmany raises that very error.
        call = self._consumer.getmany(timeout_ms=POLL_TIMEOUT_MS)
        try:
            raw = await call_with_deadline(
                POLL_DEADLINE_SECONDS, call, stop=self._stop, stop_grace=POLL_STOP_GRACE_SECONDS
            )
        except DeadlineExceededError:
            if self._stop.is_set():
                return {}
            raise
        require_alive(aiokafka_private.group_member_tasks(self._consumer))
        self._handler_stalled = self._handler_stalled and bool(raw)
        if not self._handler_stalled:
            self._on_poll()
        self._stall_detector.record_poll(raw, is_full=sum(map(len, raw.values())) >= MAX_POLL_RECORDS)
        return {partition: [Record.from_client(one) for one in records] for partition, records in raw.items()}

    async def _handle_polled(self, records: PolledRecords) -> bool:
        """Whether all was taken; the rest is sought back."""
        end = time.monotonic() + MAX_HANDLING_SECONDS
        # In another order each time: no partition waits for ever behind one that fails.
        order = random.sample(list(records), len(records))
        return all([await self._handle_partition(partition, records[partition], end) for partition in order])

    async def _handle_partition(
        self, partition: TopicPartition, records: list[Record], deadline: float
    ) -> bool:
        for start in range(0, len(records), COMMIT_EVERY):
            part = records[start : start + COMMIT_EVERY]
            taken = await self._handle_slice_or_each(part, deadline)
            if taken:
                await self._commit(partition, part[taken - 1].offset + 1)
            if taken < len(part):
                self._seek_back(partition, part[taken].offset)
                return False
        return True

    async def _handle_slice_or_each(self, records: Sequence[Record], deadline: float) -> int:
        """How many were taken: one that fails costs none of those before it."""
        if len(records) > 1 and self._may_continue(deadline) and await self._try_slice(records):
            return len(records)
        for taken, record in enumerate(records):
            if not (self._may_continue(deadline) and await self._handle_one(record)):
                return taken
        return len(records)

    def _may_continue(self, deadline: float) -> bool:
        return time.monotonic() < deadline and not self._stop.is_set()

    async def _try_slice(self, records: Sequence[Record]) -> bool:
        if self._handle_slice is None:
            return False
        error = await self._run_handler(_call_handler(self._handle_slice, records))
        if error is not None:
            first = records[0]
            log.info(
                "records.slice_failed: %s/%s from %d: %r", first.topic, first.partition, first.offset, error
            )
        return error is None

    async def _handle_one(self, record: Record) -> bool:
        error = await self._run_handler(_call_handler(self._handle, record))
        if error is not None:
            log.warning(
                "record.handler_failed: %s/%s from %d, trying again: %r",
                record.topic,
                record.partition,
                record.offset,
                error,
            )
        return error is None

    async def _run_handler(self, call: Coroutine[Any, Any, None]) -> Exception | None:
        """Why a handler took nothing; None where it took all."""
        self._handler_stalled = False
        try:
            await call_with_deadline(
                HANDLER_TIMEOUT_SECONDS,
                call,
                stop=self._stop,
                stop_grace=HANDLER_STOP_GRACE_SECONDS,
                without_progress=True,
            )
        except Exception as error:  # noqa: BLE001 - whatever it was, the records come again
            self._handler_stalled = isinstance(error, DeadlineExceededError)
            return error
        return None

    def _seek_back(self, partition: TopicPartition, offset: int) -> None:
        try:
            self._consumer.seek(partition, offset)
        except IllegalStateError:
            log.info("partition.revoked: %s/%s, its new owner reads on", partition.topic, partition.partition)

    async def _retry_failed_commit(self) -> None:
        """Once more what could not be committed: nothing may come after it on its partition for days.

        One at a time, since each may take its whole limit.
        """
        for partition, offset in list(self._failed_commits.items())[:1]:
            if await self._is_commit_needed(partition, offset):
                await self._commit(partition, offset)

    async def _is_commit_needed(self, partition: TopicPartition, offset: int) -> bool:
        """Whether the group stands before an offset we owe: another member may have gone on meanwhile."""
        try:
            stands = await call_with_deadline(COMMITTED_TIMEOUT_SECONDS, self._consumer.committed(partition))
        except CLIENT_ERRORS:
            return False
        if stands is None or stands < offset:
            return True
        self._failed_commits.pop(partition, None)
        return False

    async def _commit(self, partition: TopicPartition, offset: int) -> None:
        self._failed_commits.pop(partition, None)
        if partition not in self._consumer.assignment():
            return
        try:
            call = self._consumer.commit({partition: offset})
            await call_with_deadline(
                COMMIT_TIMEOUT_SECONDS, call, stop=self._stop, stop_grace=COMMIT_STOP_GRACE_SECONDS
            )
            self._stall_detector.record_response()
            self._commit_rejections.record_success()
            await self._on_committed()
        except CLIENT_ERRORS as error:
            # Final, or of unknown fate: should the records come again, their reader knows them.
            self._failed_commits[partition] = offset
            log.warning("offsets.commit_failed: %r", error)
            if isinstance(error, CommitFailedError):
                self._commit_rejections.record_rejection()


async def _call_handler(handler: Callable[[T], Awaitable[None]], argument: T) -> None:
    await handler(argument)
