"""Sends status events to Kafka; one too large for the topic is cut, one that stays so is held back."""

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
"""How long a size that the broker refused counts as refused: an operator may raise the limit of the topic.

Each further refusal costs the producer, and what is in flight to the same partition is sent again.
"""
MAX_LOGGED_ID_CHARS = 200
"""Characters of a request id in the log: no request has a longer one."""
MAX_SINGLE_SENDS = 20
"""Events sent one by one in a call: each takes a round trip or two, and the lease must be renewed."""

Deliver = Callable[[Sequence[ProducerRecord]], Awaitable[list[Delivery]]]
Fits = Callable[[ProducerRecord], bool]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event and how it is sent now; `cut` where its texts are shortened."""

    event: OutboxEvent
    record: ProducerRecord
    shortened: bool


class EventSender:
    """Sends status events by `deliver`, which takes what `fits`; `clock` gives seconds, monotonic.

    The broker may take less than that, and refuses a batch as a whole: what was in it is sent one by one.
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
        """The broker has refused a message of this size that was alone in its batch."""
        self._rejected_until = 0.0
        self._held_until: dict[int, float] = {}
        """When to try an event again that is too large even when cut, by its id."""

    async def send(self, events: Sequence[OutboxEvent]) -> list[bool]:
        """Send in order; for each, whether Kafka has acknowledged it. Without events it only connects.

        An event behind one of its request that was not sent, or was sent late, counts as not acknowledged.
        """
        self._prune_held(events)
        together = [one for event in self._sendable(events) if (one := self._candidate(event)) is not None]
        deliveries = await self._deliver([one.record for one in together])
        acknowledged: set[int] = set()
        refused: list[Candidate] = []
        late: set[str] = set()
        for one, delivery in zip(together, deliveries, strict=True):
            if delivery is Delivery.ACKNOWLEDGED and one.event.request_id not in late:
                acknowledged.add(one.event.id)
                self._record_sent(one)
            elif delivery is Delivery.TOO_LARGE and one.event.request_id not in late:
                refused.append(one)
            if delivery is not Delivery.ACKNOWLEDGED:
                late.add(one.event.request_id)
        for one in refused[:MAX_SINGLE_SENDS]:
            if await self._send_single(one):
                acknowledged.add(one.event.id)
        return [event.id in acknowledged for event in events]

    def _prune_held(self, events: Sequence[OutboxEvent]) -> None:
        waiting = {event.id for event in events}
        self._held_until = {held: at for held, at in self._held_until.items() if held in waiting}

    def _sendable(self, events: Iterable[OutboxEvent]) -> Iterable[OutboxEvent]:
        """Without those that are left out now, and those behind them: the order of a request holds."""
        blocked: set[str] = set()
        for event in events:
            if self._held_until.get(event.id, 0.0) > self._clock():
                blocked.add(event.request_id)
            # Asked when its turn comes: what was before it may have been held meanwhile.
            if event.request_id not in blocked:
                yield event
                if self._held_until.get(event.id, 0.0) > self._clock():
                    blocked.add(event.request_id)

    def _candidate(self, event: OutboxEvent) -> Candidate | None:
        """The event as it fits, as far as is known; None where it does not even when it is cut."""
        whole = to_record(event)
        if self._may_fit(whole):
            return Candidate(event, whole, shortened=False)
        short = to_shortened_record(event)
        if self._may_fit(short):
            return Candidate(event, short, shortened=True)
        self._hold(event)
        return None

    def _may_fit(self, record: ProducerRecord) -> bool:
        known = self._rejected_bytes is not None and self._clock() < self._rejected_until
        if known and self._rejected_bytes is not None and message_size(record) >= self._rejected_bytes:
            return False
        return self._fits(record)

    async def _send_single(self, candidate: Candidate) -> bool:
        """Send an event in a batch of its own, as it was and then cut; whether it was acknowledged."""
        one: Candidate | None = candidate
        while one is not None:
            [delivery] = await self._deliver([one.record])
            if delivery is Delivery.ACKNOWLEDGED:
                self._record_sent(one)
            if delivery is not Delivery.TOO_LARGE:
                return delivery is Delivery.ACKNOWLEDGED
            self._record_size_limit(one.record)
            one = self._candidate(one.event)
        return False

    def _record_size_limit(self, record: ProducerRecord) -> None:
        """What was refused alone is too large; so is what is larger."""
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
        """Leave an event out for a while; it is said once for as long as it waits."""
        if event.id not in self._held_until:
            name = event.request_id[:MAX_LOGGED_ID_CHARS]
            log.error("relay.event_too_large", request_id=name, event_id=event.event_id)
        self._held_until[event.id] = self._clock() + RETRY_SECONDS
