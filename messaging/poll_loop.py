"""The inner loop of a group member: poll, handle, commit, and seek back to what was not handled."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from messaging import aiokafka_private
from messaging.clients import CLIENT_ERRORS
from messaging.records import Record
from messaging.stall_detection import CommitRejections, StallDetector, require_alive
from messaging.timeouts import (
    DeadlineExceededError,
    StopRequestedError,
    call_with_deadline,
    no_heartbeat,
    wait_event,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

POLL_TIMEOUT_MS = 1_000
POLL_DEADLINE_SECONDS = 45.0
"""In a rebalance a poll exceeds its own timeout: it waits for the other members, and for a frozen one until
its session times out. A poll beyond this limit, or a cancelled one, leaves a consumer that must be
replaced."""
POLL_STOP_GRACE_SECONDS = 2.0
"""For a running poll after a stop was requested."""
MAX_POLL_RECORDS = 300
"""Of all partitions together; the client buffers one MiB, or one record, of each."""
COMMIT_EVERY = 50
"""Records handled and committed together: what failed later does not repeat them."""
HANDLER_TIMEOUT_SECONDS = 20.0
"""For one record, or a slice: inserts, no jobs. The handler calls the heartbeat itself."""
MAX_HANDLING_SECONDS = 30.0
"""After this, the rest of a poll is left for the next one. The next poll then comes within
`max_poll_interval_ms`, even if the last record, its commit, a repeated commit and the stall check all take
their whole timeout."""
COMMIT_TIMEOUT_SECONDS = 20.0
"""While the broker is unavailable the library retries a commit forever."""
COMMITTED_TIMEOUT_SECONDS = 5.0
"""Of a request for the committed offset."""
HANDLER_STOP_GRACE_SECONDS = 5.0
COMMIT_STOP_GRACE_SECONDS = 2.0
"""For a running one after a stop was requested: hundreds of times its usual duration."""
RETRY_INTERVAL_SECONDS = 1.0
IDLE_PROBE_SECONDS = 4.0
"""Readiness depends on the last response of the brokers: without records they are asked this often."""

RecordHandler = Callable[[Record], Awaitable[None]]
"""Stores a record durably before it returns; if it raises, the record is delivered again."""

SliceHandler = Callable[[Sequence[Record]], Awaitable[None]]
"""Handles several records of one partition, all or none; if it raises, they are handled one by one."""

CommitCallback = Callable[[], Awaitable[None]]
"""Called after the offsets of handled records were committed."""

PolledRecords = dict[TopicPartition, list[Record]]


class PollLoop:
    """Polls one started consumer until `stop`. Raises when only a new consumer helps."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        stop: asyncio.Event,
        handle: RecordHandler,
        handle_slice: SliceHandler | None = None,
        *,
        on_committed: CommitCallback,
        on_poll: Callable[[], None],
        heartbeat: Callable[[], None] = no_heartbeat,
    ) -> None:
        self._consumer = consumer
        self._handle = handle
        self._handle_slice = handle_slice
        self._on_committed = on_committed
        self._on_poll = on_poll
        self._stop = stop
        self._stall_detector = StallDetector(consumer, IDLE_PROBE_SECONDS, self._beat_unless_stalled)
        self._commit_rejections = CommitRejections()
        self._heartbeat = heartbeat
        self._handler_stalled = False
        """The last call of a handler timed out, and its records are not handled yet."""
        self._failed_commits: dict[TopicPartition, int] = {}
        """Offsets whose commit failed."""

    @property
    def last_response(self) -> float:
        """When the brokers last answered, by `time.monotonic()`."""
        return self._stall_detector.last_response

    async def run(self) -> None:
        """Poll until `stop`; neither a handler that raises nor unavailable brokers end the membership."""
        while not self._stop.is_set():
            polled = await self._poll()
            if not await self._handle_polled(polled):
                await wait_event(self._stop, RETRY_INTERVAL_SECONDS, self._beat_unless_stalled)
            await self._retry_failed_commit()
            with suppress(StopRequestedError):
                await call_with_deadline(None, self._stall_detector.check(), stop=self._stop)

    def _beat_unless_stalled(self) -> None:
        """The steps between a handler that timed out and its next call are no progress."""
        if not self._handler_stalled:
            self._heartbeat()

    async def _poll(self) -> PolledRecords:
        # In a task of its own: after the coordination task was cancelled, getmany raises that CancelledError.
        try:
            raw = await call_with_deadline(
                POLL_DEADLINE_SECONDS,
                self._consumer.getmany(timeout_ms=POLL_TIMEOUT_MS),
                stop=self._stop,
                stop_grace=POLL_STOP_GRACE_SECONDS,
                heartbeat=self._beat_unless_stalled,
            )
        except StopRequestedError:
            return {}
        require_alive(aiokafka_private.group_member_tasks(self._consumer))
        self._handler_stalled = self._handler_stalled and bool(raw)
        if not self._handler_stalled:
            self._on_poll()
        self._stall_detector.record_poll(raw, is_full=sum(map(len, raw.values())) >= MAX_POLL_RECORDS)
        return {
            partition: [Record.from_client(record) for record in records]
            for partition, records in raw.items()
        }

    async def _handle_polled(self, polled: PolledRecords) -> bool:
        """Handle and commit; return whether all were handled. Seeks back to those that were not."""
        deadline = time.monotonic() + MAX_HANDLING_SECONDS
        # In random order: no partition waits forever behind one that fails.
        order = random.sample(list(polled), len(polled))
        return all(
            [await self._handle_partition(partition, polled[partition], deadline) for partition in order]
        )

    async def _handle_partition(
        self, partition: TopicPartition, records: list[Record], deadline: float
    ) -> bool:
        for start in range(0, len(records), COMMIT_EVERY):
            batch = records[start : start + COMMIT_EVERY]
            handled = await self._handle_slice_or_each(batch, deadline)
            if handled:
                await self._commit(partition, batch[handled - 1].offset + 1)
            if handled < len(batch):
                self._seek_back(partition, batch[handled].offset)
                return False
        return True

    async def _handle_slice_or_each(self, records: Sequence[Record], deadline: float) -> int:
        """Return how many records were handled: those before the first that failed."""
        if len(records) > 1 and self._may_continue(deadline) and await self._try_slice(records):
            return len(records)
        for handled, record in enumerate(records):
            if not (self._may_continue(deadline) and await self._handle_one(record)):
                return handled
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
        """Return the error of a handler, None on success."""
        self._handler_stalled = False
        try:
            await call_with_deadline(
                HANDLER_TIMEOUT_SECONDS,
                call,
                stop=self._stop,
                stop_grace=HANDLER_STOP_GRACE_SECONDS,
            )
        except Exception as error:  # noqa: BLE001 - after any error the records are delivered again
            self._handler_stalled = isinstance(error, DeadlineExceededError)
            return error
        return None

    def _seek_back(self, partition: TopicPartition, offset: int) -> None:
        try:
            self._consumer.seek(partition, offset)
        except IllegalStateError:
            log.info("partition.revoked: %s/%s, its new owner reads on", partition.topic, partition.partition)

    async def _retry_failed_commit(self) -> None:
        """Repeat one failed commit: the partition may get no further record, and so no commit, for days.

        One at a time, since each may take its whole timeout.
        """
        for partition, offset in list(self._failed_commits.items())[:1]:
            if await self._is_commit_needed(partition, offset):
                await self._commit(partition, offset)

    async def _is_commit_needed(self, partition: TopicPartition, offset: int) -> bool:
        """Whether the group's offset is still lower: another member may have committed a higher one."""
        try:
            committed = await call_with_deadline(
                COMMITTED_TIMEOUT_SECONDS,
                self._consumer.committed(partition),
                heartbeat=self._beat_unless_stalled,
            )
        except CLIENT_ERRORS:
            return False
        if committed is None or committed < offset:
            return True
        self._failed_commits.pop(partition, None)
        return False

    async def _commit(self, partition: TopicPartition, offset: int) -> None:
        self._failed_commits.pop(partition, None)
        if partition not in self._consumer.assignment():
            return
        try:
            await call_with_deadline(
                COMMIT_TIMEOUT_SECONDS,
                self._consumer.commit({partition: offset}),
                stop=self._stop,
                stop_grace=COMMIT_STOP_GRACE_SECONDS,
                heartbeat=self._beat_unless_stalled,
            )
            self._stall_detector.record_response()
            self._commit_rejections.record_success()
            await self._on_committed()
        except CLIENT_ERRORS as error:
            # It may have succeeded or not: records that are delivered again are recognised by the handler.
            self._failed_commits[partition] = offset
            log.warning("offsets.commit_failed: %r", error)
            if isinstance(error, CommitFailedError):
                self._commit_rejections.record_rejection()


async def _call_handler(handler: Callable[[T], Awaitable[None]], argument: T) -> None:
    await handler(argument)
