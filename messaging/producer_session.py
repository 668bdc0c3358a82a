"""One idempotent aiokafka producer: opened, used, and thrown away after the first error."""

import asyncio
from collections.abc import Callable
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from messaging import aiokafka_private
from messaging.clients import (
    CLIENT_ERRORS,
    CLOSE_TIMEOUT_SECONDS,
    REQUEST_TIMEOUT_SECONDS,
    abort_producer,
    common_options,
    start_client,
)
from messaging.connection import KafkaConnection
from messaging.records import ProducerRecord, RecordPosition
from messaging.timeouts import call_with_deadline, no_heartbeat, wait_tasks

START_TIMEOUT_SECONDS = 20.0
"""Two silent brokers, one after the other."""
SEND_TIMEOUT_SECONDS = REQUEST_TIMEOUT_SECONDS + 5.0
"""send() itself waits for space in the queue, and gives up after one request timeout."""
ACK_TIMEOUT_SECONDS = 45.0
"""More than three request timeouts: one frozen broker of three must not cost a new producer."""
FLUSH_TIMEOUT_SECONDS = 5.0
"""At close, for messages that are not acknowledged yet."""

MAX_REQUEST_BYTES = 1_048_576
"""A little below the broker's `message.max.bytes`: a rejection by the broker would cost the producer."""

SendFuture = asyncio.Future[Any]
"""Done when the broker has acknowledged; its result has `partition` and `offset`."""


class MessageTooLargeError(Exception):
    """The message is larger than this producer may send; the producer remains usable."""


def message_size(message: ProducerRecord) -> int:
    """The size in bytes that the library compares with its limit."""
    return int(
        DefaultRecordBatchBuilder.estimate_size_in_bytes(message.key, message.value, list(message.headers))
    )


class ProducerSession:
    """A started producer. `aborted` is set when it is aborted, and ends waits for acknowledgements."""

    def __init__(self, producer: AIOKafkaProducer, heartbeat: Callable[[], None] = no_heartbeat) -> None:
        self._producer = producer
        self._heartbeat = heartbeat
        self._abort_task: asyncio.Task[None] | None = None
        self.aborted = asyncio.Event()

    @classmethod
    async def open(
        cls,
        connection: KafkaConnection,
        client_id: str,
        max_request_size: int,
        heartbeat: Callable[[], None] = no_heartbeat,
    ) -> Self:
        """Connect within START_TIMEOUT_SECONDS; raises KafkaUnavailableError."""
        producer = AIOKafkaProducer(
            **common_options(connection, client_id),
            acks="all",
            enable_idempotence=True,
            max_request_size=max_request_size,
        )
        try:
            await start_client(producer, connection, START_TIMEOUT_SECONDS, heartbeat)
        except BaseException:
            await abort_producer(producer, heartbeat)
            raise
        return cls(producer, heartbeat)

    @property
    def alive(self) -> bool:
        """Whether it can still send."""
        sender = aiokafka_private.sender_task(self._producer)
        return not self.aborted.is_set() and sender is not None and not sender.done()

    async def send(self, message: ProducerRecord) -> SendFuture:
        """Enqueue a message; the future is done when it is acknowledged.

        Raises MessageTooLargeError, or one of `clients.CLIENT_ERRORS`: then the session must be aborted.
        """
        call = self._producer.send(
            message.topic, message.value, message.key, headers=list(message.headers) or None
        )
        try:
            return await call_with_deadline(SEND_TIMEOUT_SECONDS, call, heartbeat=self._heartbeat)
        except MessageSizeTooLargeError as error:
            raise MessageTooLargeError(str(error)) from error

    async def wait_acknowledged(self, futures: list[SendFuture]) -> list[RecordPosition | None]:
        """Wait up to ACK_TIMEOUT_SECONDS; return the positions of acknowledged messages. Cancels no send."""
        if futures:
            all_done = asyncio.ensure_future(asyncio.wait(futures))
            aborted = asyncio.ensure_future(self.aborted.wait())
            try:
                await wait_tasks(
                    {all_done, aborted}, ACK_TIMEOUT_SECONDS, self._heartbeat, first_completed=True
                )
            finally:
                all_done.cancel()
                aborted.cancel()
        return [position_of(future) for future in futures]

    def abort_in_background(self) -> "asyncio.Task[None]":
        """Start aborting, once, and return the shared task. Unacknowledged messages may have arrived."""
        self.aborted.set()
        if self._abort_task is None:
            self._abort_task = asyncio.ensure_future(abort_producer(self._producer, self._heartbeat))
        return self._abort_task

    async def abort(self) -> None:
        """Abort, and wait until all its tasks and connections have ended."""
        await asyncio.shield(self.abort_in_background())

    async def close(self) -> None:
        """Flush for up to FLUSH_TIMEOUT_SECONDS, then abort; never raises."""
        timeout = FLUSH_TIMEOUT_SECONDS + CLOSE_TIMEOUT_SECONDS
        try:
            if self.alive:
                await call_with_deadline(timeout, self._producer.stop(), heartbeat=self._heartbeat)
        except CLIENT_ERRORS:
            pass
        finally:
            await self.abort()


def rejected_for_size(future: SendFuture) -> bool:
    """Whether the broker rejected the batch of a message as larger than the topic's `max.message.bytes`."""
    return (
        future.done() and not future.cancelled() and isinstance(future.exception(), MessageSizeTooLargeError)
    )


def position_of(future: SendFuture) -> RecordPosition | None:
    """The position of an acknowledged message, else None. Reads the error, or asyncio would log it."""
    if not future.done() or future.cancelled() or future.exception() is not None:
        return None
    return RecordPosition(future.result().partition, future.result().offset)
