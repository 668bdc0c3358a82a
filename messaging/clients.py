"""Starts and closes clients of aiokafka within time limits, whatever state they are in."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from messaging import aiokafka_private
from messaging.connection import KafkaConnection
from messaging.log_filter import capture_warnings, install_filter
from messaging.timeouts import (
    CANCEL_GRACE_SECONDS,
    CallCancelledError,
    DeadlineExceededError,
    call_with_deadline,
    cancel_until_done,
    no_heartbeat,
    wait_tasks,
)

log = logging.getLogger(__name__)

REQUEST_TIMEOUT_SECONDS = 10.0
"""Of one request. The library's default of 40 s would let one silent broker hold everything up that long."""
CONNECT_TIMEOUT_SECONDS = 2 * REQUEST_TIMEOUT_SECONDS
"""Of a first connection: two silent brokers, one after the other."""
RETRY_BACKOFF_MS = 500
"""Between two tries of the library: recovers as fast as at 100 ms, with a fifth of the log lines."""
METADATA_MAX_AGE_MS = 60_000
STOP_TIMEOUT_SECONDS = REQUEST_TIMEOUT_SECONDS + 5.0
"""stop() of a consumer sends one request, to leave the group; the broker may be silent."""
CLOSE_TIMEOUT_SECONDS = 2.0
"""Of closing what is local: tasks and sockets."""

CLIENT_ERRORS = (KafkaError, OSError, DeadlineExceededError, CallCancelledError, AssertionError)
"""What a call into the library raises when Kafka fails; an AssertionError means *not connected*."""


def common_options(connection: KafkaConnection, client_id: str) -> dict[str, Any]:
    """Options of every client. Raises KafkaUnavailableError for an unreadable CA file."""
    install_filter()
    return {
        **connection.options(),
        "client_id": client_id,
        "request_timeout_ms": int(REQUEST_TIMEOUT_SECONDS * 1000),
        "retry_backoff_ms": RETRY_BACKOFF_MS,
        "metadata_max_age_ms": METADATA_MAX_AGE_MS,
    }


async def start_client(
    client: Any,
    connection: KafkaConnection,
    timeout: float,
    heartbeat: Callable[[], None] = no_heartbeat,
) -> None:
    """Start a client within `timeout` seconds; raises KafkaUnavailableError with the cause from the log."""
    with capture_warnings() as warnings:
        try:
            await call_with_deadline(timeout, client.start(), heartbeat=heartbeat)
        except CLIENT_ERRORS as error:
            raise connection.unavailable_error(*(warnings or [error])) from error


@asynccontextmanager
async def admin_client(
    connection: KafkaConnection, client_id: str, heartbeat: Callable[[], None] = no_heartbeat
) -> AsyncIterator[AIOKafkaAdminClient]:
    """Yield a started admin client, and close it at the end. Raises KafkaUnavailableError."""
    client = AIOKafkaAdminClient(**common_options(connection, client_id))
    try:
        await start_client(client, connection, CONNECT_TIMEOUT_SECONDS, heartbeat)
        yield client
    finally:
        await ignore_errors(CLOSE_TIMEOUT_SECONDS, client.close())


async def close_consumer(consumer: AIOKafkaConsumer, heartbeat: Callable[[], None] = no_heartbeat) -> None:
    """Leave the group and close everything; never raises. Takes at most STOP_TIMEOUT_SECONDS and a little."""
    await ignore_errors(STOP_TIMEOUT_SECONDS, consumer.stop(), heartbeat)
    # A stop() that failed half-way leaves all open, and a second one returns without doing anything.
    if fetcher := aiokafka_private.close_fetcher(consumer):
        await ignore_errors(CLOSE_TIMEOUT_SECONDS, fetcher)
    # Before the connections: a task that still runs would open new ones.
    if not await cancel_until_done(
        lambda: aiokafka_private.tasks_of_consumer(consumer), CLOSE_TIMEOUT_SECONDS
    ):
        log.warning("kafka.tasks_leaked: inner tasks of a consumer do not end")
    await ignore_errors(CLOSE_TIMEOUT_SECONDS, aiokafka_private.close_consumer_client(consumer))


async def abort_producer(producer: AIOKafkaProducer, heartbeat: Callable[[], None] = no_heartbeat) -> None:
    """End a producer so that it sends nothing more; whether unacknowledged messages arrived is unknown."""
    sender = aiokafka_private.sender_task(producer)
    if sender is not None:
        sender.cancel()
        if not await _wait_ended(sender, REQUEST_TIMEOUT_SECONDS + 2.0, heartbeat):
            sender.cancel()
            await _wait_ended(sender, CANCEL_GRACE_SECONDS, heartbeat)
    # In the other order, or with a second stop(), the library waits for itself.
    await ignore_errors(CLOSE_TIMEOUT_SECONDS, aiokafka_private.close_producer_client(producer))
    aiokafka_private.mark_producer_closed(producer)


async def ignore_errors(
    timeout: float, call: Coroutine[Any, Any, Any], heartbeat: Callable[[], None] = no_heartbeat
) -> None:
    """Close something within `timeout` seconds; an error is only logged."""
    try:
        await call_with_deadline(timeout, call, heartbeat=heartbeat)
    except Exception as error:  # noqa: BLE001 - the client is thrown away in any case
        log.info("kafka.close_failed: %r", error)


async def _wait_ended(task: asyncio.Task[Any], timeout: float, heartbeat: Callable[[], None]) -> bool:
    await wait_tasks({task}, timeout, heartbeat)
    return task.done()
