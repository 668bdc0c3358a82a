"""Starts and ends clients of the library within limits, whatever state they are in."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from messaging import internals, progress
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailable
from messaging.guard import GRACE_SECONDS, Aborted, Overdue, end_all, within
from messaging.quiet import cap_logging, causes

log = logging.getLogger(__name__)

REQUEST_SECONDS = 10.0
"""How long one request may take: at 40 s, the library's own, a silent broker holds everything for so long."""
BACKOFF_MS = 500
"""Between two tries of the library: as quick to recover as at 100 ms with a fifth of the log lines."""
METADATA_AGE_MS = 60_000
STOP_SECONDS = REQUEST_SECONDS + 5.0
"""stop() of a consumer asks a silent broker once, to leave the group."""
CLOSE_SECONDS = 2.0
"""Closing what is local: tasks and sockets."""

FAILURES = (KafkaError, OSError, Overdue, Aborted, AssertionError)
"""How a call into the library ends badly when Kafka does; assertions are its way to say *not connected*."""


def common_options(connection: KafkaConnection, client_id: str) -> dict[str, Any]:
    """What every client is made with. Raises KafkaUnavailable for an unreadable CA file."""
    cap_logging()
    return {
        **connection.options(),
        "client_id": client_id,
        "request_timeout_ms": int(REQUEST_SECONDS * 1000),
        "retry_backoff_ms": BACKOFF_MS,
        "metadata_max_age_ms": METADATA_AGE_MS,
    }


async def start(client: Any, connection: KafkaConnection, limit: float) -> None:
    """Start a client in at most `limit` seconds; raises KafkaUnavailable with the cause its log tells."""
    with causes() as seen:
        try:
            await within(limit, client.start())
        except FAILURES as error:
            raise KafkaUnavailable.at(connection.bootstrap_servers, [*seen] or [error]) from error


async def close_consumer(consumer: AIOKafkaConsumer) -> None:
    """Leave the group and close everything; never raises, at most STOP_SECONDS and a little."""
    await quietly(STOP_SECONDS, consumer.stop())
    # A stop() that failed half-way leaves all open, and a second one returns without doing anything.
    if fetcher := internals.close_fetcher(consumer):
        await quietly(CLOSE_SECONDS, fetcher)
    # Before the connections: a task that still runs would open new ones.
    if not await end_all(lambda: internals.running_tasks(consumer), CLOSE_SECONDS):
        log.warning("kafka.tasks_left: inner tasks of a consumer do not end")
    await quietly(CLOSE_SECONDS, internals.close_consumer_client(consumer))


async def abort_producer(producer: AIOKafkaProducer) -> None:
    """Take a producer apart so that it sends nothing later; what was handed over is of unknown fate."""
    sender = internals.sender_task(producer)
    if sender is not None:
        sender.cancel()
        if not await _ended(sender, REQUEST_SECONDS + 2.0):
            sender.cancel()
            await _ended(sender, GRACE_SECONDS)
    # In the other order, or with a second stop(), the library waits for itself.
    await quietly(CLOSE_SECONDS, internals.close_producer_client(producer))
    internals.forget_producer(producer)


async def quietly(limit: float, call: Coroutine[Any, Any, Any]) -> None:
    """Close something in at most `limit` seconds; an error is only noted."""
    try:
        await within(limit, call)
    except Exception as error:  # noqa: BLE001 - the client is thrown away, however it takes it
        log.info("kafka.close_failed: %r", error)


async def _ended(task: asyncio.Task[Any], limit: float) -> bool:
    await progress.wait({task}, limit)
    return task.done()
