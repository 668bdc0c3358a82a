"""Starts and ends clients of the library within limits, whatever state they are in."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from messaging import aiokafka_private, watchdog
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError
from messaging.log_filter import capture_warnings, install_filter
from messaging.timeouts import (
    CANCEL_GRACE_SECONDS,
    CallCancelledError,
    DeadlineExceededError,
    call_with_deadline,
    cancel_all,
)

log = logging.getLogger(__name__)

REQUEST_TIMEOUT_SECONDS = 10.0
"""How long one request may take: at 40 s, the library's own, a silent broker holds everything for so long."""
RETRY_BACKOFF_MS = 500
"""Between two tries of the library: as quick to recover as at 100 ms with a fifth of the log lines."""
METADATA_MAX_AGE_MS = 60_000
STOP_TIMEOUT_SECONDS = REQUEST_TIMEOUT_SECONDS + 5.0
"""stop() of a consumer asks a silent broker once, to leave the group."""
CLOSE_TIMEOUT_SECONDS = 2.0
"""Closing what is local: tasks and sockets."""

CLIENT_ERRORS = (KafkaError, OSError, DeadlineExceededError, CallCancelledError, AssertionError)
"""How a call into the library ends badly when Kafka does; assertions are its way to say *not connected*."""


def common_options(connection: KafkaConnection, client_id: str) -> dict[str, Any]:
    """What every client is made with. Raises KafkaUnavailableError for an unreadable CA file."""
    install_filter()
    return {
        **connection.options(),
        "client_id": client_id,
        "request_timeout_ms": int(REQUEST_TIMEOUT_SECONDS * 1000),
        "retry_backoff_ms": RETRY_BACKOFF_MS,
        "metadata_max_age_ms": METADATA_MAX_AGE_MS,
    }


async def start_client(client: Any, connection: KafkaConnection, timeout: float) -> None:
    """Start a client in at most `limit` seconds; raises KafkaUnavailableError with the cause its log tells."""
    with capture_warnings() as seen:
        try:
            await call_with_deadline(timeout, client.start())
        except CLIENT_ERRORS as error:
            raise KafkaUnavailableError.for_servers(
                connection.bootstrap_servers, [*seen] or [error]
            ) from error


async def close_consumer(consumer: AIOKafkaConsumer) -> None:
    """Leave the group and close everything; never raises, at most STOP_TIMEOUT_SECONDS and a little."""
    await ignore_errors(STOP_TIMEOUT_SECONDS, consumer.stop())
    # A stop() that failed half-way leaves all open, and a second one returns without doing anything.
    if fetcher := aiokafka_private.close_fetcher(consumer):
        await ignore_errors(CLOSE_TIMEOUT_SECONDS, fetcher)
    # Before the connections: a task that still runs would open new ones.
    if not await cancel_all(lambda: aiokafka_private.tasks_of_consumer(consumer), CLOSE_TIMEOUT_SECONDS):
        log.warning("kafka.tasks_leaked: inner tasks of a consumer do not end")
    await ignore_errors(CLOSE_TIMEOUT_SECONDS, aiokafka_private.close_consumer_client(consumer))


async def abort_producer(producer: AIOKafkaProducer) -> None:
    """Take a producer apart so that it sends nothing later; what was handed over is of unknown fate."""
    sender = aiokafka_private.sender_task(producer)
    if sender is not None:
        sender.cancel()
        if not await _wait_ended(sender, REQUEST_TIMEOUT_SECONDS + 2.0):
            sender.cancel()
            await _wait_ended(sender, CANCEL_GRACE_SECONDS)
    # In the other order, or with a second stop(), the library waits for itself.
    await ignore_errors(CLOSE_TIMEOUT_SECONDS, aiokafka_private.close_producer_client(producer))
    aiokafka_private.mark_producer_closed(producer)


async def ignore_errors(timeout: float, call: Coroutine[Any, Any, Any]) -> None:
    """Close something in at most `limit` seconds; an error is only noted."""
    try:
        await call_with_deadline(timeout, call)
    except Exception as error:  # noqa: BLE001 - the client is thrown away, however it takes it
        log.info("kafka.close_failed: %r", error)


async def _wait_ended(task: asyncio.Task[Any], timeout: float) -> bool:
    await watchdog.wait_reporting({task}, timeout)
    return task.done()
