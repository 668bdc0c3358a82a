"""Publishes messages and returns which were acknowledged; replaces its session after any error."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from enum import Enum, auto

from messaging.backoff import Backoff
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
from messaging.timeouts import no_heartbeat

log = logging.getLogger(__name__)

INITIAL_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 5.0
"""Between two tries to connect: publishing resumes at most this long after Kafka has recovered."""


class Delivery(Enum):
    """Result of sending a message.

    The broker rejects a whole batch as `TOO_LARGE`: of several messages sent at once, each may be small
    enough if it is sent alone.
    """

    ACKNOWLEDGED = auto()
    TOO_LARGE = auto()
    UNKNOWN = auto()


class Producer:
    """An idempotent `acks=all` producer that survives outages; several tasks may use it concurrently.

    Sequential calls of `publish` keep the order of the messages of one key. A message that was not
    acknowledged may have arrived all the same: readers must ignore duplicates.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        *,
        client_id: str,
        max_request_size: int = MAX_REQUEST_BYTES,
        heartbeat: Callable[[], None] = no_heartbeat,
    ) -> None:
        self._connection = connection
        self._client_id = client_id
        self._max_request_size = max_request_size
        self._heartbeat = heartbeat
        self._session: ProducerSession | None = None
        self._opening_task: asyncio.Task[ProducerSession | None] | None = None
        self._backoff = Backoff(INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS)
        self._connect_delay = 0.0
        self._closed = False
        self.last_error: str | None = None

    def fits(self, message: ProducerRecord) -> bool:
        """Whether a message is small enough to send; `publish` never returns True for a larger one."""
        return message_size(message) <= self._max_request_size

    async def publish(self, messages: Sequence[ProducerRecord]) -> list[bool]:
        """Send in order; return for each message whether it was acknowledged. False means *unknown*: retry.

        No error of Kafka is raised; `last_error` describes it. Takes about two minutes at most. Without
        messages it only connects, so that the next call is fast.
        """
        return [position is not None for position in await self.publish_with_positions(messages)]

    async def publish_with_positions(self, messages: Sequence[ProducerRecord]) -> list[RecordPosition | None]:
        """Like `publish`, but return the positions of the acknowledged messages, None for the others."""
        return [position_of(sent) if sent else None for sent in await self._send_and_wait(messages)]

    async def deliver(self, messages: Sequence[ProducerRecord]) -> list[Delivery]:
        """Like `publish`, but distinguish messages that are larger than the topic accepts."""
        sent = await self._send_and_wait(messages)
        return [self._delivery_of(message, future) for message, future in zip(messages, sent, strict=True)]

    def _delivery_of(self, message: ProducerRecord, future: SendFuture | None) -> Delivery:
        if future is None:
            return Delivery.UNKNOWN if self.fits(message) else Delivery.TOO_LARGE
        if rejected_for_size(future):
            return Delivery.TOO_LARGE
        return Delivery.ACKNOWLEDGED if position_of(future) else Delivery.UNKNOWN

    async def _send_and_wait(self, messages: Sequence[ProducerRecord]) -> list[SendFuture | None]:
        """Send in order and wait for acknowledgements; None for messages that were not enqueued."""
        session = await self._ready_session()
        if session is None or not messages:
            return [None] * len(messages)
        started = time.monotonic()
        try:
            sent, failure = await self._enqueue(session, messages)
            positions = await session.wait_acknowledged([future for future in sent if future])
        except asyncio.CancelledError:
            # Callers with a shorter timeout than ours must not keep an unresponsive producer in use.
            if time.monotonic() - started > REQUEST_TIMEOUT_SECONDS:
                session.abort_in_background()
            raise
        if failure or not all(positions):
            await self._discard_session(session, failure or _unacknowledged_cause(messages, sent))
        else:
            self.last_error = None
        return sent

    async def close(self) -> None:
        """Flush and close, within the time limits of `ProducerSession.close`."""
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
        # Concurrent callers share one attempt to connect.
        if self._opening_task is None or self._opening_task.done():
            self._opening_task = asyncio.ensure_future(self._open_session())
        await asyncio.wait({self._opening_task})
        return None if self._opening_task.cancelled() else self._opening_task.result()

    async def _open_session(self) -> ProducerSession | None:
        if self._session is not None:
            await self._session.abort()
            self._session = None
        await asyncio.sleep(self._connect_delay)
        try:
            self._session = await ProducerSession.open(
                self._connection, self._client_id, self._max_request_size, self._heartbeat
            )
        except KafkaUnavailableError as error:
            self.last_error = str(error)
            log.warning("producer.connect_failed: %s", error)
            self._connect_delay = self._backoff.next()
            return None
        self._connect_delay = 0.0
        self._backoff.reset()
        return self._session

    async def _enqueue(
        self, session: ProducerSession, messages: Sequence[ProducerRecord]
    ) -> tuple[list[SendFuture | None], str | None]:
        """Return the futures of enqueued messages, and the error that ended it early, if any."""
        sent: list[SendFuture | None] = [None] * len(messages)
        rejected_keys: set[tuple[str, bytes | None]] = set()
        for index, message in enumerate(messages):
            topic_and_key = (message.topic, message.key)
            if topic_and_key in rejected_keys:
                continue
            try:
                sent[index] = await session.send(message)
            except MessageTooLargeError as error:
                # Later messages of the same key are not sent either, to keep their order.
                rejected_keys.add(topic_and_key)
                log.error("message.too_large: for %s: %s", message.topic, error)
            except CLIENT_ERRORS as error:
                return sent, f"sending to {message.topic}: {str(error) or type(error).__name__}"
        return sent, None

    async def _discard_session(self, session: ProducerSession, cause: str) -> None:
        self.last_error = str(self._connection.unavailable_error(cause))
        log.warning("producer.replaced: %s", cause)
        await session.abort()


def _unacknowledged_cause(messages: Sequence[ProducerRecord], futures: Sequence[SendFuture | None]) -> str:
    for message, future in zip(messages, futures, strict=True):
        if future is not None and rejected_for_size(future):
            return f"a message is larger than the topic {message.topic} takes (its max.message.bytes)"
    return "the broker did not acknowledge a message"
