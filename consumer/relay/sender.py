"""Sends status events to Kafka; one too large for the topic is cut, one that stays so is held back."""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from consumer.happenings import EventShortened, Tell, untold
from consumer.relay.events import message, shortened
from consumer.store.outbox import Unpublished
from messaging.line import size_of
from messaging.producer import Delivery
from messaging.records import Outgoing

log: structlog.stdlib.BoundLogger = structlog.get_logger("relay")

RETRY_SECONDS = 60.0
"""How long a size that the broker refused counts as refused: an operator may raise the limit of the topic.

Each further refusal costs the producer, and what is in flight to the same partition is sent again.
"""
MAX_NAME = 200
"""Characters of a request id in the log: no request has a longer one."""
MAX_ALONE = 20
"""Events sent one by one in a call: each takes a round trip or two, and the lease must be renewed."""

Deliver = Callable[[Sequence[Outgoing]], Awaitable[list[Delivery]]]
Fits = Callable[[Outgoing], bool]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event and how it is sent now; `cut` where its texts are shortened."""

    event: Unpublished
    outgoing: Outgoing
    cut: bool


class EventSender:
    """Sends status events by `deliver`, which takes what `fits`; `clock` gives seconds, monotonic.

    The broker may take less than that, and refuses a batch as a whole: what was in it is sent one by one.
    """

    def __init__(
        self,
        deliver: Deliver,
        fits: Fits,
        count: Tell = untold,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deliver = deliver
        self._fits = fits
        self.count = count
        self._clock = clock
        self._refused_bytes: int | None = None
        """The broker has refused a message of this size that was alone in its batch."""
        self._refused_until = 0.0
        self._held: dict[int, float] = {}
        """When to try an event again that is too large even when cut, by its id."""

    async def send(self, events: Sequence[Unpublished]) -> list[bool]:
        """Send in order; for each, whether Kafka has acknowledged it. Without events it only connects.

        An event behind one of its request that was not sent, or was sent late, counts as not acknowledged.
        """
        self._forget_gone(events)
        together = [one for event in self._not_held(events) if (one := self._candidate(event)) is not None]
        deliveries = await self._deliver([one.outgoing for one in together])
        acknowledged: set[int] = set()
        refused: list[Candidate] = []
        late: set[str] = set()
        for one, delivery in zip(together, deliveries, strict=True):
            if delivery is Delivery.ACKNOWLEDGED and one.event.request_id not in late:
                acknowledged.add(one.event.id)
                self._note_sent(one)
            elif delivery is Delivery.TOO_LARGE and one.event.request_id not in late:
                refused.append(one)
            if delivery is not Delivery.ACKNOWLEDGED:
                late.add(one.event.request_id)
        for one in refused[:MAX_ALONE]:
            if await self._send_alone(one):
                acknowledged.add(one.event.id)
        return [event.id in acknowledged for event in events]

    def _forget_gone(self, events: Sequence[Unpublished]) -> None:
        waiting = {event.id for event in events}
        self._held = {held: at for held, at in self._held.items() if held in waiting}

    def _not_held(self, events: Iterable[Unpublished]) -> Iterable[Unpublished]:
        """Without those that are left out now, and those behind them: the order of a request holds."""
        blocked: set[str] = set()
        for event in events:
            if self._held.get(event.id, 0.0) > self._clock():
                blocked.add(event.request_id)
            # Asked when its turn comes: what was before it may have been held meanwhile.
            if event.request_id not in blocked:
                yield event
                if self._held.get(event.id, 0.0) > self._clock():
                    blocked.add(event.request_id)

    def _candidate(self, event: Unpublished) -> Candidate | None:
        """The event as it fits, as far as is known; None where it does not even when it is cut."""
        whole = message(event)
        if self._may_fit(whole):
            return Candidate(event, whole, cut=False)
        short = shortened(event)
        if self._may_fit(short):
            return Candidate(event, short, cut=True)
        self._hold(event)
        return None

    def _may_fit(self, outgoing: Outgoing) -> bool:
        known = self._refused_bytes is not None and self._clock() < self._refused_until
        if known and self._refused_bytes is not None and size_of(outgoing) >= self._refused_bytes:
            return False
        return self._fits(outgoing)

    async def _send_alone(self, refused: Candidate) -> bool:
        """Send an event in a batch of its own, as it was and then cut; whether it was acknowledged."""
        one: Candidate | None = refused
        while one is not None:
            [delivery] = await self._deliver([one.outgoing])
            if delivery is Delivery.ACKNOWLEDGED:
                self._note_sent(one)
            if delivery is not Delivery.TOO_LARGE:
                return delivery is Delivery.ACKNOWLEDGED
            self._note_limit(one.outgoing)
            one = self._candidate(one.event)
        return False

    def _note_limit(self, outgoing: Outgoing) -> None:
        """What was refused alone is too large; so is what is larger."""
        known = self._refused_bytes if self._clock() < self._refused_until else None
        size = size_of(outgoing)
        self._refused_bytes = size if known is None else min(known, size)
        self._refused_until = self._clock() + RETRY_SECONDS

    def _note_sent(self, one: Candidate) -> None:
        self._held.pop(one.event.id, None)
        if one.cut:
            self.count(EventShortened())
            log.warning(
                "relay.event_shortened", request_id=one.event.request_id, bytes=len(one.event.payload)
            )

    def _hold(self, event: Unpublished) -> None:
        """Leave an event out for a while; it is said once for as long as it waits."""
        if event.id not in self._held:
            name = event.request_id[:MAX_NAME]
            log.error("relay.event_too_large", request_id=name, event_id=event.event_id)
        self._held[event.id] = self._clock() + RETRY_SECONDS
