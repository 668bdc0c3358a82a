"""Publishes status events on Kafka; one too large for the topic is shortened, and if that fails held back."""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from consumer.relay.kafka_messages import to_record, to_shortened_record
from consumer.store.outbox import OutboxEvent
from consumer.telemetry.events import EventShortened, EventSink, ignore_event
from messaging.producer import Delivery
from messaging.producer_session import message_size
from messaging.records import ProducerRecord

log: structlog.stdlib.BoundLogger = structlog.get_logger("relay")

RETRY_SECONDS = 60.0
"""How long a size that the broker rejected is not tried again: an operator may raise the limit of the topic.

Each rejection costs the producer, and messages in flight to the same partition are sent again.
"""
MAX_LOGGED_ID_CHARS = 200
"""Of a request id in the log: valid ones have at most 200 characters."""
MAX_SINGLE_SENDS = 20
"""Events sent one by one per call: each takes one or two round trips, and the lease must be renewed."""

Deliver = Callable[[Sequence[ProducerRecord]], Awaitable[list[Delivery]]]
Fits = Callable[[ProducerRecord], bool]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event with the record to send; `shortened` tells whether its texts were shortened."""

    event: OutboxEvent
    record: ProducerRecord
    shortened: bool


class EventPublisher:
    """Sends status events with `deliver`, which accepts records that `fits`. `clock` gives monotonic seconds.

    The broker may accept less, and rejects a batch as a whole: its events are then sent one by one.
    """

    def __init__(
        self,
        deliver: Deliver,
        fits: Fits,
        emit: EventSink = ignore_event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deliver = deliver
        self._fits = fits
        self.emit = emit
        self._clock = clock
        self._rejected_bytes: int | None = None
        """Smallest size of a message that the broker rejected although it was alone in its batch."""
        self._rejected_until = 0.0
        self._held_until: dict[int, float] = {}
        """By event id: when to retry an event that is too large even when shortened."""

    async def publish(self, events: Sequence[OutboxEvent]) -> list[bool]:
        """Send in order; return for each event whether Kafka acknowledged it. Without events, only connect.

        After an event that was not acknowledged in the batch, later ones of the same request count as not
        acknowledged either.
        """
        self._prune_held(events)
        candidates = [
            candidate for event in self._sendable(events) if (candidate := self._candidate(event)) is not None
        ]
        deliveries = await self._deliver([candidate.record for candidate in candidates])
        acknowledged: set[int] = set()
        too_large: list[Candidate] = []
        blocked: set[str] = set()
        for candidate, delivery in zip(candidates, deliveries, strict=True):
            event = candidate.event
            if delivery is Delivery.ACKNOWLEDGED and event.request_id not in blocked:
                acknowledged.add(event.id)
                self._record_sent(candidate)
            elif delivery is Delivery.TOO_LARGE and event.request_id not in blocked:
                too_large.append(candidate)
            if delivery is not Delivery.ACKNOWLEDGED:
                blocked.add(event.request_id)
        for candidate in too_large[:MAX_SINGLE_SENDS]:
            if await self._send_single(candidate):
                acknowledged.add(candidate.event.id)
        return [event.id in acknowledged for event in events]

    def _prune_held(self, events: Sequence[OutboxEvent]) -> None:
        pending = {event.id for event in events}
        self._held_until = {held: at for held, at in self._held_until.items() if held in pending}

    def _sendable(self, events: Iterable[OutboxEvent]) -> Iterable[OutboxEvent]:
        """Leave out held events and later ones of the same request, to keep their order."""
        blocked: set[str] = set()
        for event in events:
            if self._held_until.get(event.id, 0.0) > self._clock():
                blocked.add(event.request_id)
            # Evaluated lazily: an earlier event may have been held meanwhile.
            if event.request_id not in blocked:
                yield event
                if self._held_until.get(event.id, 0.0) > self._clock():
                    blocked.add(event.request_id)

    def _candidate(self, event: OutboxEvent) -> Candidate | None:
        """The record to send, shortened if necessary; None, and held, if even that is too large."""
        complete = to_record(event)
        if self._may_fit(complete):
            return Candidate(event, complete, shortened=False)
        shortened = to_shortened_record(event)
        if self._may_fit(shortened):
            return Candidate(event, shortened, shortened=True)
        self._hold(event)
        return None

    def _may_fit(self, record: ProducerRecord) -> bool:
        known = self._rejected_bytes is not None and self._clock() < self._rejected_until
        if known and self._rejected_bytes is not None and message_size(record) >= self._rejected_bytes:
            return False
        return self._fits(record)

    async def _send_single(self, candidate: Candidate) -> bool:
        """Send an event in a batch of its own, then shortened; return whether it was acknowledged."""
        attempt: Candidate | None = candidate
        while attempt is not None:
            [delivery] = await self._deliver([attempt.record])
            if delivery is Delivery.ACKNOWLEDGED:
                self._record_sent(attempt)
            if delivery is not Delivery.TOO_LARGE:
                return delivery is Delivery.ACKNOWLEDGED
            self._record_size_limit(attempt.record)
            attempt = self._candidate(attempt.event)
        return False

    def _record_size_limit(self, record: ProducerRecord) -> None:
        """Note that a message of this size was rejected alone: larger ones will be, too."""
        known = self._rejected_bytes if self._clock() < self._rejected_until else None
        size = message_size(record)
        self._rejected_bytes = size if known is None else min(known, size)
        self._rejected_until = self._clock() + RETRY_SECONDS

    def _record_sent(self, candidate: Candidate) -> None:
        self._held_until.pop(candidate.event.id, None)
        if candidate.shortened:
            self.emit(EventShortened())
            log.warning(
                "relay.event_shortened",
                request_id=candidate.event.request_id,
                bytes=len(candidate.event.payload),
            )

    def _hold(self, event: OutboxEvent) -> None:
        """Leave an event out for RETRY_SECONDS; logged once as long as it stays pending."""
        if event.id not in self._held_until:
            name = event.request_id[:MAX_LOGGED_ID_CHARS]
            log.error("relay.event_too_large", request_id=name, event_id=event.event_id)
        self._held_until[event.id] = self._clock() + RETRY_SECONDS
