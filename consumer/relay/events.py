"""Status events as Kafka messages; one that Kafka would not take is shortened, marked and counted."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from consumer.happenings import EventShortened, Tell, untold
from consumer.store.outbox import Unpublished
from messaging.records import Outgoing
from schemas import cloudevents
from schemas.text import MESSAGE_CHARS, shorten_message
from schemas.topics import STATUS

log: structlog.stdlib.BoundLogger = structlog.get_logger("relay")

EVENT_SOURCE = "/chat-migration"

Publish = Callable[[Sequence[Outgoing]], Awaitable[list[bool]]]
Fits = Callable[[Outgoing], bool]


class EventSender:
    """Sends status events by `publish`, which takes what `fits`."""

    def __init__(self, publish: Publish, fits: Fits, count: Tell = untold) -> None:
        self._publish = publish
        self._fits = fits
        self.count = count

    async def send(self, events: Sequence[Unpublished]) -> list[bool]:
        """Send in order; for each, whether Kafka has acknowledged it. Without events it only connects."""
        return await self._publish([self._fitting(event) for event in events])

    def _fitting(self, event: Unpublished) -> Outgoing:
        whole = message(event)
        if self._fits(whole):
            return whole
        self.count(EventShortened())
        log.warning("relay.event_shortened", request_id=event.request_id, bytes=len(event.payload))
        return shortened(event)


def message(event: Unpublished, payload: str | None = None) -> Outgoing:
    """An event as a Kafka message: JSON, keyed by request, CloudEvents attributes in headers."""
    headers = cloudevents.encode(
        event_id=event.event_id,
        source=EVENT_SOURCE,
        event_type=cloudevents.TYPE_STATUS,
        time=event.created_at,
        subject=event.request_id,
        traceparent=event.headers.get("traceparent"),
    )
    value = (event.payload if payload is None else payload).encode()
    return Outgoing(STATUS.name, event.request_id.encode(), value, headers)


def shortened(event: Unpublished) -> Outgoing:
    """The event with texts of at most MESSAGE_CHARS characters, and a header that says so.

    What else it holds are numbers, times, and counts of warnings, of which there are few codes.
    """
    payload = json.dumps(_shortened(json.loads(event.payload)), ensure_ascii=False)
    short = message(event, payload)
    return Outgoing(short.topic, short.key, short.value, (*short.headers, (cloudevents.SHORTENED, b"true")))


def _shortened(value: Any) -> Any:
    match value:
        case str():
            return shorten_message(value, MESSAGE_CHARS)
        case dict():
            return {name: _shortened(one) for name, one in value.items()}
        case _:
            return value
