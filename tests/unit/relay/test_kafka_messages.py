"""An event that is too large for Kafka is sent shortened, marked and counted."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from consumer.relay.publisher import EventPublisher
from consumer.store.outbox import OutboxEvent
from consumer.telemetry.events import EventShortened, TelemetryEvent
from messaging.producer import Delivery
from messaging.producer_session import MAX_REQUEST_BYTES, message_size
from messaging.records import ProducerRecord
from schemas import cloudevents
from schemas.examples import STATUS
from schemas.status import StatusEvent
from schemas.text import MAX_MESSAGE_CHARS

BODY: dict[str, Any] = StatusEvent.model_validate(STATUS).model_dump(mode="json")


def _event(**more: Any) -> OutboxEvent:
    payload = json.dumps(BODY | more, ensure_ascii=False)
    return OutboxEvent(7, "r-1", BODY["event_id"], payload, {}, 0, datetime(2026, 11, 29, tzinfo=UTC))


def _fits(message: ProducerRecord) -> bool:
    return message_size(message) <= MAX_REQUEST_BYTES


async def _send(*events: OutboxEvent) -> tuple[list[ProducerRecord], list[TelemetryEvent]]:
    sent: list[ProducerRecord] = []
    counted: list[TelemetryEvent] = []

    async def publish(messages: Sequence[ProducerRecord]) -> list[Delivery]:
        sent.extend(messages)
        return [Delivery.ACKNOWLEDGED] * len(messages)

    assert await EventPublisher(publish, _fits, counted.append).publish(events) == [True] * len(events)
    return sent, counted


async def test_event_that_fits_is_sent_unchanged() -> None:
    event = _event(detail="x" * 10_000)
    [message], counted = await _send(event)
    assert message.value == event.payload.encode()
    assert cloudevents.SHORTENED_HEADER not in dict(message.headers)
    assert counted == []


@pytest.mark.parametrize(
    "more",
    [
        {"error": {"code": "sheet_not_found", "message": "x" * 1_100_000 + "do this"}},
        {"detail": "ж" * 600_000, "error": {"code": "timeout", "message": "ж" * 600_000 + "do this"}},
        {"source_identifier": "\ue000" * 1_000_000},
    ],
)
async def test_event_that_does_not_fit_is_shortened_marked_and_counted(more: dict[str, Any]) -> None:
    large, small = _event(**more), _event()
    messages, counted = await _send(large, small)
    assert [_fits(message) for message in messages] == [True, True]
    short = StatusEvent.model_validate_json(messages[0].value or b"")
    same = {"event_id", "sequence", "status", "processed", "warnings"}
    assert short.model_dump(mode="json", include=same) == {name: BODY[name] for name in same}
    if "error" in more:
        assert short.error is not None
        assert len(short.error.message) == MAX_MESSAGE_CHARS
        assert short.error.message.endswith("do this")
    assert dict(messages[0].headers)[cloudevents.SHORTENED_HEADER] == b"true"
    assert messages[1].value == small.payload.encode()
    assert counted == [EventShortened()]
