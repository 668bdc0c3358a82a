"""Status events as Kafka messages, whole, or shortened and marked."""

import json
from typing import Any

from consumer.store.outbox import Unpublished
from messaging.records import Outgoing
from schemas import cloudevents
from schemas.text import MESSAGE_CHARS, shorten_message
from schemas.topics import STATUS

EVENT_SOURCE = "/chat-migration"


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
