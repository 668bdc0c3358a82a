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

from messaging.clients import close_consumer, common_options, start
from messaging.connection import KafkaConnection
from messaging.guard import pause, unless
from messaging.polling import MAX_POLL_RECORDS, Committed, Handle, HandleSlice, Polling
from messaging.progress import ticking

log = logging.getLogger(__name__)

START_SECONDS = 60.0
"""Joining waits for the other members, and for a frozen one until its session ends (30 s)."""
FIRST_BACKOFF_SECONDS = 0.5
LAST_BACKOFF_SECONDS = 15.0
"""Between two tries to build a consumer."""
LIVED_SECONDS = 20.0
"""Who polls for so long is well: a dead fetcher is found within 15 s, what cannot be read at once."""
SHORT_LIVES = 3
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


async def _nothing() -> None:
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
        handle: Handle,
        handle_slice: HandleSlice | None = None,
        committed: Committed = _nothing,
    ) -> None:
        self._connection = connection
        self._topics = tuple(topics)
        self._group_id = group_id
        self._client_id = client_id
        self._handle = handle
        self._handle_slice = handle_slice
        self._committed = committed
        self._progress = time.monotonic()
        self._polling: Polling | None = None
        self._backoff = FIRST_BACKOFF_SECONDS
        self._polls_since = math.inf
        self._short_lives = 0
        self._why = ""

    def last_progress(self) -> float:
        """`time.monotonic()` of the last poll, or of the last moment of a wait within its bound.

        An outage of the brokers stops neither; a handler that hangs stops both until it is through.
        """
        return self._progress

    def last_answer(self) -> float | None:
        """`time.monotonic()` of the brokers' last sign of life; None before the first."""
        return None if self._polling is None else self._polling.answered

    def trouble(self) -> str | None:
        """Why replacing consumers does not help; None while it does, or none had to be."""
        if self._short_lives < SHORT_LIVES:
            return None
        return f"{self._short_lives} consumers in a row failed at once: {self._why}"

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`; never raises for Kafka's sake."""
        with ticking(self._moved):
            while not stop.is_set():
                try:
                    await self._live(stop)
                except Exception as error:  # noqa: BLE001 - whatever it was, only a new consumer helps
                    await self._back_off(error, stop)

    async def _back_off(self, error: Exception, stop: asyncio.Event) -> None:
        self._moved()
        self._why = str(error) or repr(error)
        # One that was never started met brokers that are away: that mends itself.
        self._short_lives = self._short_lives + 1 if self._polls_since < math.inf else 0
        log.warning("consumer.replaced: in %g s, because: %s", self._backoff, self._why)
        await pause(stop, self._backoff)
        self._backoff = min(self._backoff * 2, LAST_BACKOFF_SECONDS)

    async def _live(self, stop: asyncio.Event) -> None:
        self._polls_since = math.inf
        consumer = self._build()
        try:
            if await unless(stop, start(consumer, self._connection, START_SECONDS)):
                self._polls_since = time.monotonic()
                self._polling = Polling(
                    consumer, self._handle, self._committed, self._polled, stop, self._handle_slice
                )
                await self._polling.run()
        finally:
            await close_consumer(consumer)

    def _build(self) -> AIOKafkaConsumer:
        options = common_options(self._connection, self._client_id)
        return AIOKafkaConsumer(*self._topics, group_id=self._group_id, **options, **GROUP_OPTIONS)

    def _moved(self) -> None:
        self._progress = time.monotonic()

    def _polled(self) -> None:
        if time.monotonic() > self._polls_since + LIVED_SECONDS:
            self._short_lives = 0
        self._moved()
        self._backoff = FIRST_BACKOFF_SECONDS
