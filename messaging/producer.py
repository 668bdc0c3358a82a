"""Publishes messages and says which ones are in Kafka for sure; replaces its producer after any trouble."""

import asyncio
import logging
import time
from collections.abc import Sequence
from enum import Enum, auto

from messaging.clients import CLIENT_ERRORS, REQUEST_TIMEOUT_SECONDS
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError
from messaging.producer_session import (
    MAX_REQUEST_BYTES,
    MessageTooLargeError,
    ProducerSession,
    SendFuture,
    message_size,
    position_of,
    rejected_for_size,
)
from messaging.records import ProducerRecord, RecordPosition

log = logging.getLogger(__name__)

INITIAL_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 5.0
"""Between two tries to connect; at most so long after Kafka is back events go on."""


class Delivery(Enum):
    """What became of a message.

    `TOO_LARGE` is the broker's word on a whole batch: of several messages sent at once, any may be small
    enough for its topic when it is sent alone.
    """

    ACKNOWLEDGED = auto()
    TOO_LARGE = auto()
    UNKNOWN = auto()


class Producer:
    """An idempotent `acks=all` producer that survives outages; may be used by several tasks at once.

    One after the other, messages of one key arrive in the order of `publish`. What was not acknowledged
    may arrive all the same: readers drop what they have seen.
    """

    def __init__(
        self, connection: KafkaConnection, *, client_id: str, max_request_size: int = MAX_REQUEST_BYTES
    ) -> None:
        self._connection = connection
        self._client_id = client_id
        self._max_request_size = max_request_size
        self._session: ProducerSession | None = None
        self._opening_task: asyncio.Task[ProducerSession | None] | None = None
        self._backoff = 0.0
        self._closed = False
        self.last_error: str | None = None

    def fits(self, message: ProducerRecord) -> bool:
        """Whether a message is small enough to be sent; `publish` never acknowledges one that is not."""
        return message_size(message) <= self._max_request_size

    async def publish(self, messages: Sequence[ProducerRecord]) -> list[bool]:
        """Send in order; for each, whether it was acknowledged. False means *unknown*: publish it again.

        Never raises for Kafka's sake; `problem` then holds the sentence. Takes about two minutes at the most.
        Without messages it only connects, so that the first one is quick.
        """
        return [place is not None for place in await self.publish_with_positions(messages)]

    async def publish_with_positions(self, messages: Sequence[ProducerRecord]) -> list[RecordPosition | None]:
        """The same, telling where each one lies that was acknowledged."""
        return [position_of(sent) if sent else None for sent in await self._send_and_wait(messages)]

    async def deliver(self, messages: Sequence[ProducerRecord]) -> list[Delivery]:
        """The same as `publish`, telling apart those that are larger than the topic takes."""
        sent = await self._send_and_wait(messages)
        return [self._delivery_of(*one) for one in zip(messages, sent, strict=True)]

    def _delivery_of(self, message: ProducerRecord, future: SendFuture | None) -> Delivery:
        if future is None:
            return Delivery.UNKNOWN if self.fits(message) else Delivery.TOO_LARGE
        if rejected_for_size(future):
            return Delivery.TOO_LARGE
        return Delivery.ACKNOWLEDGED if position_of(future) else Delivery.UNKNOWN

    async def _send_and_wait(self, messages: Sequence[ProducerRecord]) -> list[SendFuture | None]:
        """Send in order and wait for the answers; None for what was not handed over."""
        line = await self._ready_session()
        if line is None or not messages:
            return [None] * len(messages)
        began = time.monotonic()
        try:
            sent, failure = await self._enqueue(line, messages)
            answers = await line.wait_acknowledged([future for future in sent if future])
        except asyncio.CancelledError:
            # Callers with less patience than we have must not keep a producer in use that never answers.
            if time.monotonic() - began > REQUEST_TIMEOUT_SECONDS:
                line.abort_in_background()
            raise
        if failure or not all(answers):
            await self._discard_session(line, failure or _unacknowledged_cause(messages, sent))
        else:
            self.last_error = None
        return sent

    async def close(self) -> None:
        """Let what is on its way arrive if that is quick; bounded."""
        self._closed = True
        if self._opening_task is not None:
            self._opening_task.cancel()
            await asyncio.wait({self._opening_task})
        if self._session is not None:
            await self._session.close()

    async def _ready_session(self) -> ProducerSession | None:
        if self._session is not None and self._session.alive:
            return self._session
        if self._closed:
            return None
        # Whoever comes while another one connects shares the try: nobody waits for two.
        if self._opening_task is None or self._opening_task.done():
            self._opening_task = asyncio.ensure_future(self._open_session())
        await asyncio.wait({self._opening_task})
        return None if self._opening_task.cancelled() else self._opening_task.result()

    async def _open_session(self) -> ProducerSession | None:
        if self._session is not None:
            await self._session.abort()
            self._session = None
        await asyncio.sleep(self._backoff)
        try:
            self._session = await ProducerSession.open(
                self._connection, self._client_id, self._max_request_size
            )
        except KafkaUnavailableError as error:
            self.last_error = str(error)
            log.warning("producer.connect_failed: %s", error)
            self._backoff = min(max(self._backoff * 2, INITIAL_BACKOFF_SECONDS), MAX_BACKOFF_SECONDS)
            return None
        self._backoff = 0.0
        return self._session

    async def _enqueue(
        self, session: ProducerSession, messages: Sequence[ProducerRecord]
    ) -> tuple[list[SendFuture | None], str | None]:
        """What was handed over, and why it stopped before the end, if it did."""
        sent: list[SendFuture | None] = [None] * len(messages)
        refused: set[tuple[str, bytes | None]] = set()
        for number, message in enumerate(messages):
            place = (message.topic, message.key)
            if place in refused:
                continue
            try:
                sent[number] = await session.send(message)
            except MessageTooLargeError as error:
                # Nothing after it with the same key either: the order of a key holds.
                refused.add(place)
                log.error("message.too_large: for %s: %s", message.topic, error)
            except CLIENT_ERRORS as error:
                return sent, f"sending to {message.topic}: {str(error) or type(error).__name__}"
        return sent, None

    async def _discard_session(self, session: ProducerSession, cause: str) -> None:
        self.last_error = str(KafkaUnavailableError.for_servers(self._connection.bootstrap_servers, [cause]))
        log.warning("producer.replaced: %s", cause)
        await session.abort()


def _unacknowledged_cause(messages: Sequence[ProducerRecord], futures: Sequence[SendFuture | None]) -> str:
    for message, future in zip(messages, futures, strict=True):
        if future is not None and rejected_for_size(future):
            return f"a message is larger than the topic {message.topic} takes (its max.message.bytes)"
    return "the broker did not acknowledge a message"
