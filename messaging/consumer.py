"""A member of a consumer group that hands records on and commits what was taken, for as long as it lives.

Nothing long happens here: `handle` has seconds, and what it took is durable when it returns.
"""

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer

from messaging.clients import close_consumer, common_options, start_client
from messaging.connection import KafkaConnection
from messaging.poll_loop import MAX_POLL_RECORDS, CommitCallback, PollLoop, RecordHandler, SliceHandler
from messaging.timeouts import run_until, sleep_or_stop
from messaging.watchdog import reporting_to

log = logging.getLogger(__name__)

START_TIMEOUT_SECONDS = 60.0
"""Joining waits for the other members, and for a frozen one until its session ends (30 s)."""
INITIAL_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 15.0
"""Between two tries to build a consumer."""
HEALTHY_AFTER_SECONDS = 20.0
"""Who polls for so long is well: a dead fetcher is found within 15 s, what cannot be read at once."""
MAX_QUICK_FAILURES = 3
"""So many in a row, though the brokers answer: no further consumer helps, and no restart."""

GROUP_OPTIONS: dict[str, Any] = {
    "enable_auto_commit": False,  # it commits what was delivered, not what was taken
    "auto_offset_reset": "earliest",  # a first start must not lose what was sent before
    "isolation_level": "read_committed",  # what its sender took back was never asked for
    "session_timeout_ms": 30_000,  # a loop blocked for 15 s goes unnoticed
    "heartbeat_interval_ms": 5_000,
    "rebalance_timeout_ms": 10_000,
    "max_poll_interval_ms": 120_000,
    "max_poll_records": MAX_POLL_RECORDS,
}


async def _noop() -> None:
    """Nobody wants to hear of commits."""


class GroupConsumer:
    """Hands records to `handle` one after the other, in the order of their partition, at least once.

    Several of a partition go to `handle_slice` first, if there is one, and where that raises to `handle`.
    When `handle` returns they are committed; when it raises, or takes more than 20 s, they come again
    after a second, and membership stays. A consumer that went silent is replaced by a new one.
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
        on_committed: CommitCallback = _noop,
    ) -> None:
        self._connection = connection
        self._topics = tuple(topics)
        self._group_id = group_id
        self._client_id = client_id
        self._handle = handle
        self._handle_slice = handle_slice
        self._on_committed = on_committed
        self._last_progress = time.monotonic()
        self._poll_loop: PollLoop | None = None
        self._backoff = INITIAL_BACKOFF_SECONDS
        self._polling_since = math.inf
        self._quick_failures = 0
        self._last_error = ""

    def last_progress(self) -> float:
        """`time.monotonic()` of the last poll, or of the last moment of a wait within its bound.

        An outage of the brokers stops neither; a handler that hangs stops both until it is through.
        """
        return self._last_progress

    def last_broker_response(self) -> float | None:
        """`time.monotonic()` of the brokers' last sign of life; None before the first."""
        return None if self._poll_loop is None else self._poll_loop.last_response

    def failure(self) -> str | None:
        """Why replacing consumers does not help; None while it does, or none had to be."""
        if self._quick_failures < MAX_QUICK_FAILURES:
            return None
        return f"{self._quick_failures} consumers in a row failed at once: {self._last_error}"

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`; never raises for Kafka's sake."""
        with reporting_to(self._record_progress):
            while not stop.is_set():
                try:
                    await self._run_once(stop)
                except Exception as error:  # noqa: BLE001 - whatever it was, only a new consumer helps
                    await self._back_off(error, stop)

    async def _back_off(self, error: Exception, stop: asyncio.Event) -> None:
        self._record_progress()
        self._last_error = str(error) or repr(error)
        # One that was never started met brokers that are away: that mends itself.
        self._quick_failures = self._quick_failures + 1 if self._polling_since < math.inf else 0
        log.warning("consumer.replaced: in %g s, because: %s", self._backoff, self._last_error)
        await sleep_or_stop(stop, self._backoff)
        self._backoff = min(self._backoff * 2, MAX_BACKOFF_SECONDS)

    async def _run_once(self, stop: asyncio.Event) -> None:
        self._polling_since = math.inf
        consumer = self._build_consumer()
        try:
            if await run_until(stop, start_client(consumer, self._connection, START_TIMEOUT_SECONDS)):
                self._polling_since = time.monotonic()
                self._poll_loop = PollLoop(
                    consumer, self._handle, self._on_committed, self._on_poll, stop, self._handle_slice
                )
                await self._poll_loop.run()
        finally:
            await close_consumer(consumer)

    def _build_consumer(self) -> AIOKafkaConsumer:
        options = common_options(self._connection, self._client_id)
        return AIOKafkaConsumer(*self._topics, group_id=self._group_id, **options, **GROUP_OPTIONS)

    def _record_progress(self) -> None:
        self._last_progress = time.monotonic()

    def _on_poll(self) -> None:
        if time.monotonic() > self._polling_since + HEALTHY_AFTER_SECONDS:
            self._quick_failures = 0
        self._record_progress()
        self._backoff = INITIAL_BACKOFF_SECONDS
