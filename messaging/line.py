"""One life of an idempotent producer: opened, used, and thrown away after the first trouble."""

import asyncio
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from messaging import internals, progress
from messaging.clients import CLOSE_SECONDS, FAILURES, REQUEST_SECONDS, abort_producer, common_options, start
from messaging.connection import KafkaConnection
from messaging.guard import within
from messaging.records import Outgoing, Place

START_SECONDS = 20.0
"""Two silent brokers, one after the other."""
SEND_SECONDS = REQUEST_SECONDS + 5.0
"""send() itself waits for room, and gives up after one request timeout."""
ACK_SECONDS = 45.0
"""More than three request timeouts: a single frozen broker of three must not cost a rebuild."""
FLUSH_SECONDS = 5.0
"""At the end, for what is still on its way."""

MAX_REQUEST_BYTES = 1_048_576
"""A little below the broker's `message.max.bytes`: a refusal by the broker would cost the producer."""

Sent = asyncio.Future[Any]
"""Done when the broker has acknowledged; its result has `partition` and `offset`."""


class TooLarge(Exception):
    """A message larger than this producer may send; the producer is as good as before."""


def size_of(message: Outgoing) -> int:
    """The bytes of a message on the wire, as the library counts them against its limit."""
    return int(
        DefaultRecordBatchBuilder.estimate_size_in_bytes(message.key, message.value, list(message.headers))
    )


class Line:
    """A started producer. `broken` is set once it was aborted, so that nobody waits for its answers."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._ending: asyncio.Task[None] | None = None
        self.broken = asyncio.Event()

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
            await start(producer, connection, START_SECONDS)
        except BaseException:
            await abort_producer(producer)
            raise
        return cls(producer)

    @property
    def alive(self) -> bool:
        """Whether it can still send."""
        sender = internals.sender_task(self._producer)
        return not self.broken.is_set() and sender is not None and not sender.done()

    async def send(self, message: Outgoing) -> Sent:
        """Hand a message over; raises TooLarge, or one of `clients.FAILURES` (then abort)."""
        call = self._producer.send(
            message.topic, message.value, message.key, headers=list(message.headers) or None
        )
        try:
            return await within(SEND_SECONDS, call)
        except MessageSizeTooLargeError as error:
            raise TooLarge(str(error)) from error

    async def acknowledged(self, sent: list[Sent]) -> list[Place | None]:
        """Wait for the answers, never cancelling a send; the place of what the broker has for sure."""
        if sent:
            waiting = asyncio.ensure_future(asyncio.wait(sent))
            broken = asyncio.ensure_future(self.broken.wait())
            try:
                await progress.wait({waiting, broken}, ACK_SECONDS, first=True)
            finally:
                waiting.cancel()
                broken.cancel()
        return [place_of(future) for future in sent]

    def abandon(self) -> "asyncio.Task[None]":
        """Begin to throw it away; what has no answer yet is of unknown fate. All callers share one ending."""
        self.broken.set()
        if self._ending is None:
            self._ending = asyncio.ensure_future(abort_producer(self._producer))
        return self._ending

    async def abort(self) -> None:
        """Throw it away, and wait until nothing of it is left."""
        await asyncio.shield(self.abandon())

    async def close(self) -> None:
        """Send what is still on its way if that is quick, else throw it away; bounded, never raises."""
        try:
            if self.alive:
                await within(FLUSH_SECONDS + CLOSE_SECONDS, self._producer.stop())
        except FAILURES:
            pass
        finally:
            await self.abort()


def refused_for_size(sent: Sent) -> bool:
    """Whether the broker refused the batch of a message as larger than the topic's `max.message.bytes`."""
    return sent.done() and not sent.cancelled() and isinstance(sent.exception(), MessageSizeTooLargeError)


def place_of(sent: Sent) -> Place | None:
    """The place of what was acknowledged; looking at the error also keeps asyncio from reporting it."""
    if not sent.done() or sent.cancelled() or sent.exception() is not None:
        return None
    return Place(sent.result().partition, sent.result().offset)
