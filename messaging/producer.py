"""Publishes messages and says which ones are in Kafka for sure; replaces its producer after any trouble."""

import asyncio
import logging
import time
from collections.abc import Sequence
from enum import Enum, auto

from messaging.clients import FAILURES, REQUEST_SECONDS
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailable
from messaging.line import MAX_REQUEST_BYTES, Line, Sent, TooLarge, place_of, refused_for_size, size_of
from messaging.records import Outgoing, Place

log = logging.getLogger(__name__)

FIRST_BACKOFF_SECONDS = 0.5
LAST_BACKOFF_SECONDS = 5.0
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
        self._line: Line | None = None
        self._opening: asyncio.Task[Line | None] | None = None
        self._backoff = 0.0
        self._closed = False
        self.problem: str | None = None

    def fits(self, message: Outgoing) -> bool:
        """Whether a message is small enough to be sent; `publish` never acknowledges one that is not."""
        return size_of(message) <= self._max_request_size

    async def publish(self, messages: Sequence[Outgoing]) -> list[bool]:
        """Send in order; for each, whether it was acknowledged. False means *unknown*: publish it again.

        Never raises for Kafka's sake; `problem` then holds the sentence. Takes about two minutes at the most.
        Without messages it only connects, so that the first one is quick.
        """
        return [place is not None for place in await self.placed(messages)]

    async def placed(self, messages: Sequence[Outgoing]) -> list[Place | None]:
        """The same, telling where each one lies that was acknowledged."""
        return [place_of(sent) if sent else None for sent in await self._deliver(messages)]

    async def deliver(self, messages: Sequence[Outgoing]) -> list[Delivery]:
        """The same as `publish`, telling apart those that are larger than the topic takes."""
        sent = await self._deliver(messages)
        return [self._delivery(*one) for one in zip(messages, sent, strict=True)]

    def _delivery(self, message: Outgoing, sent: Sent | None) -> Delivery:
        if sent is None:
            return Delivery.UNKNOWN if self.fits(message) else Delivery.TOO_LARGE
        if refused_for_size(sent):
            return Delivery.TOO_LARGE
        return Delivery.ACKNOWLEDGED if place_of(sent) else Delivery.UNKNOWN

    async def _deliver(self, messages: Sequence[Outgoing]) -> list[Sent | None]:
        """Send in order and wait for the answers; None for what was not handed over."""
        line = await self._ready()
        if line is None or not messages:
            return [None] * len(messages)
        began = time.monotonic()
        try:
            sent, failure = await self._hand_over(line, messages)
            answers = await line.acknowledged([future for future in sent if future])
        except asyncio.CancelledError:
            # Callers with less patience than we have must not keep a producer in use that never answers.
            if time.monotonic() - began > REQUEST_SECONDS:
                line.abandon()
            raise
        if failure or not all(answers):
            await self._give_up(line, failure or _why_unacknowledged(messages, sent))
        else:
            self.problem = None
        return sent

    async def close(self) -> None:
        """Let what is on its way arrive if that is quick; bounded."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening})
        if self._line is not None:
            await self._line.close()

    async def _ready(self) -> Line | None:
        if self._line is not None and self._line.alive:
            return self._line
        if self._closed:
            return None
        # Whoever comes while another one connects shares the try: nobody waits for two.
        if self._opening is None or self._opening.done():
            self._opening = asyncio.ensure_future(self._open())
        await asyncio.wait({self._opening})
        return None if self._opening.cancelled() else self._opening.result()

    async def _open(self) -> Line | None:
        if self._line is not None:
            await self._line.abort()
            self._line = None
        await asyncio.sleep(self._backoff)
        try:
            self._line = await Line.open(self._connection, self._client_id, self._max_request_size)
        except KafkaUnavailable as error:
            self.problem = str(error)
            log.warning("producer.not_connected: %s", error)
            self._backoff = min(max(self._backoff * 2, FIRST_BACKOFF_SECONDS), LAST_BACKOFF_SECONDS)
            return None
        self._backoff = 0.0
        return self._line

    async def _hand_over(
        self, line: Line, messages: Sequence[Outgoing]
    ) -> tuple[list[Sent | None], str | None]:
        """What was handed over, and why it stopped before the end, if it did."""
        sent: list[Sent | None] = [None] * len(messages)
        refused: set[tuple[str, bytes | None]] = set()
        for number, message in enumerate(messages):
            place = (message.topic, message.key)
            if place in refused:
                continue
            try:
                sent[number] = await line.send(message)
            except TooLarge as error:
                # Nothing after it with the same key either: the order of a key holds.
                refused.add(place)
                log.error("message.too_large: for %s: %s", message.topic, error)
            except FAILURES as error:
                return sent, f"sending to {message.topic}: {str(error) or type(error).__name__}"
        return sent, None

    async def _give_up(self, line: Line, why: str) -> None:
        self.problem = str(KafkaUnavailable.at(self._connection.bootstrap_servers, [why]))
        log.warning("producer.replaced: %s", why)
        await line.abort()


def _why_unacknowledged(messages: Sequence[Outgoing], sent: Sequence[Sent | None]) -> str:
    for message, future in zip(messages, sent, strict=True):
        if future is not None and refused_for_size(future):
            return f"a message is larger than the topic {message.topic} takes (its max.message.bytes)"
    return "the broker did not acknowledge a message"
