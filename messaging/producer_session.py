"""One life of an idempotent producer: opened, used, and thrown away after the first trouble."""

import asyncio
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from messaging import aiokafka_private, watchdog
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
from messaging.timeouts import call_with_deadline

START_TIMEOUT_SECONDS = 20.0
"""Two silent brokers, one after the other."""
SEND_TIMEOUT_SECONDS = REQUEST_TIMEOUT_SECONDS + 5.0
"""send() itself waits for room, and gives up after one request timeout."""
ACK_TIMEOUT_SECONDS = 45.0
"""More than three request timeouts: a single frozen broker of three must not cost a rebuild."""
FLUSH_TIMEOUT_SECONDS = 5.0
"""At the end, for what is still on its way."""

MAX_REQUEST_BYTES = 1_048_576
"""A little below the broker's `message.max.bytes`: a refusal by the broker would cost the producer."""

SendFuture = asyncio.Future[Any]
"""Done when the broker has acknowledged; its result has `partition` and `offset`."""


class MessageTooLargeError(Exception):
    """A message larger than this producer may send; the producer is as good as before."""


def message_size(message: ProducerRecord) -> int:
    """The bytes of a message on the wire, as the library counts them against its limit."""
    return int(
        DefaultRecordBatchBuilder.estimate_size_in_bytes(message.key, message.value, list(message.headers))
    )


class ProducerSession:
    """A started producer. `broken` is set once it was aborted, so that nobody waits for its answers."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._abort_task: asyncio.Task[None] | None = None
        self.aborted = asyncio.Event()

    @classmethod
    async def open(cls, connection: KafkaConnection, client_id: str, max_request_size: int) -> Self:
        """Connect; raises KafkaUnavailable."""
        producer = AIOKafkaProducer(
            **common_options(connection, client_id),
            acks="all",
            enable_idempotence=True,
            max_request_size=max_request_size,
        )
        try:
            await start_client(producer, connection, START_TIMEOUT_SECONDS)
        except BaseException:
            await abort_producer(producer)
            raise
        return cls(producer)

    @property
    def alive(self) -> bool:
        """Whether it can still send."""
        sender = aiokafka_private.sender_task(self._producer)
        return not self.aborted.is_set() and sender is not None and not sender.done()

    async def send(self, message: ProducerRecord) -> SendFuture:
        """Hand a message over; raises MessageTooLargeError, or one of `clients.CLIENT_ERRORS` (then abort)."""
        call = self._producer.send(
            message.topic, message.value, message.key, headers=list(message.headers) or None
        )
        try:
            return await call_with_deadline(SEND_TIMEOUT_SECONDS, call)
        except MessageSizeTooLargeError as error:
            raise MessageTooLargeError(str(error)) from error

    async def wait_acknowledged(self, futures: list[SendFuture]) -> list[RecordPosition | None]:
        """Wait for the answers, never cancelling a send; the place of what the broker has for sure."""
        if futures:
            waiting = asyncio.ensure_future(asyncio.wait(futures))
            broken = asyncio.ensure_future(self.aborted.wait())
            try:
                await watchdog.wait_reporting({waiting, broken}, ACK_TIMEOUT_SECONDS, first_completed=True)
            finally:
                waiting.cancel()
                broken.cancel()
        return [position_of(future) for future in futures]

    def abort_in_background(self) -> "asyncio.Task[None]":
        """Begin to throw it away; what has no answer yet is of unknown fate. All callers share one ending."""
        self.aborted.set()
        if self._abort_task is None:
            self._abort_task = asyncio.ensure_future(abort_producer(self._producer))
        return self._abort_task

    async def abort(self) -> None:
        """Throw it away, and wait until nothing of it is left."""
        await asyncio.shield(self.abort_in_background())

    async def close(self) -> None:
        """Send what is still on its way if that is quick, else throw it away; bounded, never raises."""
        try:
            if self.alive:
                await call_with_deadline(FLUSH_TIMEOUT_SECONDS + CLOSE_TIMEOUT_SECONDS, self._producer.stop())
        except CLIENT_ERRORS:
            pass
        finally:
            await self.abort()


def rejected_for_size(future: SendFuture) -> bool:
    """Whether the broker refused the batch of a message as larger than the topic's `max.message.bytes`."""
    return (
        future.done() and not future.cancelled() and isinstance(future.exception(), MessageSizeTooLargeError)
    )


def position_of(future: SendFuture) -> RecordPosition | None:
    """The place of what was acknowledged; looking at the error also keeps asyncio from reporting it."""
    if not future.done() or future.cancelled() or future.exception() is not None:
        return None
    return RecordPosition(future.result().partition, future.result().offset)
