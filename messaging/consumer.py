"""A member of a consumer group: hands records to a handler and commits them, replacing failed consumers.

The handler has seconds for a record, and has stored it durably when it returns.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer

from messaging.backoff import Backoff
from messaging.clients import close_consumer, common_options, start_client
from messaging.connection import KafkaConnection
from messaging.poll_loop import MAX_POLL_RECORDS, CommitCallback, PollLoop, RecordHandler, SliceHandler
from messaging.timeouts import StopRequestedError, call_with_deadline, no_heartbeat, wait_event

log = logging.getLogger(__name__)

START_TIMEOUT_SECONDS = 60.0
"""Joining waits for the other members, and for a frozen one until its session times out (30 s)."""
INITIAL_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 15.0
"""Before a failed consumer is replaced."""
HEALTHY_AFTER_SECONDS = 20.0
"""After polling this long a consumer counts as healthy: a dead fetcher shows within 15 s, unreadable records
immediately."""
MAX_QUICK_FAILURES = 3
"""In a row, although the brokers answer: then neither another consumer nor a restart helps."""

GROUP_OPTIONS: dict[str, Any] = {
    "enable_auto_commit": False,  # it would commit what was delivered, not what was handled
    "auto_offset_reset": "earliest",  # a first start must not lose earlier requests
    "isolation_level": "read_committed",  # an aborted transaction is no request
    "session_timeout_ms": 30_000,  # an event loop blocked for 15 s costs no rebalance
    "heartbeat_interval_ms": 5_000,
    "rebalance_timeout_ms": 10_000,
    "max_poll_interval_ms": 120_000,
    "max_poll_records": MAX_POLL_RECORDS,
}


async def _ignore_commit() -> None:
    """The default commit callback."""


class GroupConsumer:
    """Passes records to `handle` one by one, each partition in order, at least once.

    Several records of a partition are passed to `handle_slice` first, if it is given, and one by one if it
    raises. Records are committed when the handler returns; if it raises, or takes more than 20 s, they are
    delivered again after a second, without leaving the group. A stalled consumer is replaced.

    `heartbeat` is called at each poll and during each wait within its limit: an outage of the brokers does
    not stop it, a handler that hangs does.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        *,
        topics: Sequence[str],
        group_id: str,
        client_id: str,
        handle: RecordHandler,
        handle_slice: SliceHandler | None = None,
        on_committed: CommitCallback = _ignore_commit,
        heartbeat: Callable[[], None] = no_heartbeat,
    ) -> None:
        self._connection = connection
        self._topics = tuple(topics)
        self._group_id = group_id
        self._client_id = client_id
        self._handle = handle
        self._handle_slice = handle_slice
        self._on_committed = on_committed
        self._heartbeat = heartbeat
        self._poll_loop: PollLoop | None = None
        self._backoff = Backoff(INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS)
        self._polling_since = math.inf
        self._quick_failures = 0
        self._last_error = ""

    def last_broker_response(self) -> float | None:
        """`time.monotonic()` of the last response of the brokers; None before the first one."""
        return None if self._poll_loop is None else self._poll_loop.last_response

    def failure(self) -> str | None:
        """Why replacing the consumer does not help; None as long as it may."""
        if self._quick_failures < MAX_QUICK_FAILURES:
            return None
        return f"{self._quick_failures} consumers in a row failed at once: {self._last_error}"

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`; no error of Kafka ends it."""
        while not stop.is_set():
            try:
                await self._run_once(stop)
            except Exception as error:  # noqa: BLE001 - after any error only a new consumer helps
                await self._back_off(error, stop)

    async def _back_off(self, error: Exception, stop: asyncio.Event) -> None:
        self._heartbeat()
        self._last_error = str(error) or repr(error)
        # A consumer that never started met unavailable brokers, which recover without help.
        self._quick_failures = self._quick_failures + 1 if self._polling_since < math.inf else 0
        delay = self._backoff.next()
        log.warning("consumer.replaced: in %g s, because: %s", delay, self._last_error)
        await wait_event(stop, delay, self._heartbeat)

    async def _run_once(self, stop: asyncio.Event) -> None:
        self._polling_since = math.inf
        consumer = self._build_consumer()
        try:
            start = start_client(consumer, self._connection, START_TIMEOUT_SECONDS, self._heartbeat)
            await call_with_deadline(None, start, stop=stop)
            self._polling_since = time.monotonic()
            self._poll_loop = self._make_poll_loop(consumer, stop)
            await self._poll_loop.run()
        except StopRequestedError:
            return
        finally:
            await close_consumer(consumer, self._heartbeat)

    def _build_consumer(self) -> AIOKafkaConsumer:
        options = common_options(self._connection, self._client_id)
        return AIOKafkaConsumer(*self._topics, group_id=self._group_id, **options, **GROUP_OPTIONS)

    def _make_poll_loop(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> PollLoop:
        return PollLoop(
            consumer,
            stop,
            self._handle,
            self._handle_slice,
            on_committed=self._on_committed,
            on_poll=self._on_poll,
            heartbeat=self._heartbeat,
        )

    def _on_poll(self) -> None:
        if time.monotonic() > self._polling_since + HEALTHY_AFTER_SECONDS:
            self._quick_failures = 0
        self._heartbeat()
        self._backoff.reset()
