"""A topic with a lower size limit than the producer: events are shortened; too large ones block no others."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from consumer.relay.publisher import RETRY_SECONDS, EventPublisher
from consumer.store.outbox import OutboxEvent
from consumer.telemetry.events import EventShortened, TelemetryEvent
from messaging.connection import KafkaConnection
from messaging.producer import Delivery, Producer
from messaging.records import ProducerRecord, Record
from messaging.subscription import Subscription
from schemas import cloudevents
from schemas.examples import STATUS
from schemas.status import StatusEvent
from schemas.text import MAX_MESSAGE_CHARS
from tests.integration.messaging.conftest import MakeTopic

BODY: dict[str, Any] = StatusEvent.model_validate(STATUS).model_dump(mode="json")
AT = datetime(2026, 11, 30, tzinfo=UTC)


def _event(number: int, request_id: str, chars: int = 10) -> OutboxEvent:
    payload = json.dumps(BODY | {"error": {"code": "timeout", "message": "x" * chars}, "sequence": number})
    return OutboxEvent(number, request_id, f"event-{number}", payload, {}, 0, AT)


class RelayStub:
    """Sends events to a topic of the test, and unacknowledged ones again, as the relay does."""

    def __init__(self, producer: Producer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self.counted: list[TelemetryEvent] = []
        self.calls = 0
        self.now = 1000.0
        self.publisher = EventPublisher(self._deliver, producer.fits, self.counted.append, lambda: self.now)

    async def _deliver(self, messages: Sequence[ProducerRecord]) -> list[Delivery]:
        self.calls += 1
        return await self._producer.deliver([replace(message, topic=self._topic) for message in messages])

    async def drain(self, events: list[OutboxEvent], pages: int = 5) -> list[OutboxEvent]:
        """Send all in pages; return the events that remain after `pages` of them."""
        for _ in range(pages):
            acknowledged = await self.publisher.publish(events)
            left: list[OutboxEvent] = []
            for event, known in zip(events, acknowledged, strict=True):
                if not known or event.request_id in {unsent.request_id for unsent in left}:
                    left.append(event)
            events = left
        return events


async def _records(connection: KafkaConnection, topic: str) -> list[Record]:
    async with await Subscription.open(connection, topic) as subscription:
        return [record async for record in subscription.read_existing()]


def _numbers(records: list[Record], key: str) -> list[int]:
    return [json.loads(record.value or b"")["sequence"] for record in records if record.key == key.encode()]


async def test_rejected_size_differs_from_a_missing_response(
    connection: KafkaConnection, make_topic: MakeTopic, producer: Producer
) -> None:
    topic = await make_topic(max_message_bytes="100000")
    large, small = ProducerRecord(topic, b"a", b"x" * 200_000), ProducerRecord(topic, b"b", b"small")
    assert await producer.deliver([large]) == [Delivery.TOO_LARGE]
    assert "larger than the topic" in (producer.last_error or "")
    assert await producer.deliver([small]) == [Delivery.ACKNOWLEDGED]
    assert await producer.deliver([ProducerRecord(topic, b"a", b"x" * 2_000_000)]) == [Delivery.TOO_LARGE]
    nowhere = Producer(KafkaConnection("127.0.0.1:1"), client_id="test")
    assert await nowhere.deliver([small]) == [Delivery.UNKNOWN]
    await nowhere.close()


async def test_rejected_event_is_shortened_and_counted_and_others_continue(
    connection: KafkaConnection, make_topic: MakeTopic, producer: Producer
) -> None:
    topic = await make_topic(max_message_bytes="100000")
    relayed = RelayStub(producer, topic)
    small = [_event(n, f"small-{n}") for n in range(3, 40)]
    assert await relayed.drain([_event(1, "big", 500_000), _event(2, "big"), *small]) == []
    assert relayed.counted == [EventShortened()]
    records = await _records(connection, topic)
    assert {record.key for record in records} == {b"big", *(event.request_id.encode() for event in small)}
    cut = next(
        record
        for record in records
        if record.key == b"big" and cloudevents.SHORTENED_HEADER in dict(record.headers)
    )
    assert len(json.loads(cut.value or b"")["error"]["message"]) == MAX_MESSAGE_CHARS
    assert _numbers(records, "big")[-1] == 2, "the last event of a request is the last in the topic"

    calls = relayed.calls
    assert await relayed.drain([_event(50, "next", 500_000)], pages=1) == []
    assert relayed.calls == calls + 1, "the limit is known by now"


async def test_events_too_large_only_together_are_sent_complete(
    connection: KafkaConnection, make_topic: MakeTopic, producer: Producer
) -> None:
    """The broker limits batches, and the library fills them up to 16 KiB."""
    topic = await make_topic(max_message_bytes="6000")
    relayed = RelayStub(producer, topic)
    assert await relayed.drain([_event(n, f"r-{n}", 1_500) for n in range(12)]) == []
    assert relayed.counted == []
    records = await _records(connection, topic)
    assert not [record for record in records if cloudevents.SHORTENED_HEADER in dict(record.headers)]


async def test_event_too_large_even_when_shortened_blocks_its_request_only(
    connection: KafkaConnection, make_topic: MakeTopic, producer: Producer
) -> None:
    topic = await make_topic(max_message_bytes="4000")
    relayed = RelayStub(producer, topic)
    never, behind = _event(1, "n" * 5_000), _event(2, "n" * 5_000)
    with capture_logs() as logs:
        left = await relayed.drain([never, behind, *(_event(n, f"r-{n}") for n in range(3, 9))], pages=6)
        assert left == [never, behind]
        calls = relayed.calls
        assert await relayed.drain([never, behind, _event(9, "later")], pages=2) == [never, behind]
        assert relayed.calls == calls + 2, "it is not sent each time"
        relayed.now += RETRY_SECONDS + 1
        assert await relayed.drain([never, behind], pages=2) == [never, behind]
    logged = [record for record in logs if record["event"] == "relay.event_too_large"]
    assert [(record["event_id"], len(record["request_id"])) for record in logged] == [("event-1", 200)]
    keys = {record.key for record in await _records(connection, topic)}
    assert keys == {b"later", *(b"r-%d" % n for n in range(3, 9))}


@pytest.mark.parametrize("chars", [10, 1_100_000])
async def test_events_that_fit_cost_one_call(make_topic: MakeTopic, producer: Producer, chars: int) -> None:
    relayed = RelayStub(producer, await make_topic())
    assert await relayed.drain([_event(1, "a", chars), _event(2, "a")], pages=1) == []
    assert relayed.calls == 1
