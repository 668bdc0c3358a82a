"""Turns status events into Kafka records, complete, or shortened and marked as such."""

import json
from dataclasses import replace
from typing import Any

from consumer.store.outbox import OutboxEvent
from messaging.records import ProducerRecord
from schemas import cloudevents
from schemas.text import MAX_MESSAGE_CHARS, shorten_message
from schemas.topics import STATUS

EVENT_SOURCE = "/chat-migration"


def to_record(event: OutboxEvent, payload: str | None = None) -> ProducerRecord:
    """The record of an event: JSON, keyed by request id, CloudEvents attributes in headers."""
    headers = cloudevents.encode(
        event_id=event.event_id,
        source=EVENT_SOURCE,
        event_type=cloudevents.TYPE_STATUS,
        time=event.created_at,
        subject=event.request_id,
        traceparent=event.headers.get("traceparent"),
    )
    value = (event.payload if payload is None else payload).encode()
    return ProducerRecord(STATUS.name, event.request_id.encode(), value, headers)


def to_shortened_record(event: OutboxEvent) -> ProducerRecord:
    """The record of an event with texts of at most MAX_MESSAGE_CHARS characters, and a header that says so.

    Other values are short: numbers, times, and counts of warnings by code.
    """
    payload = json.dumps(_shorten_texts(json.loads(event.payload)), ensure_ascii=False)
    record = to_record(event, payload)
    return replace(record, headers=(*record.headers, (cloudevents.SHORTENED_HEADER, b"true")))


def _shorten_texts(value: Any) -> Any:
    match value:
        case str():
            return shorten_message(value, MAX_MESSAGE_CHARS)
        case dict():
            return {name: _shorten_texts(member) for name, member in value.items()}
        case _:
            return value
