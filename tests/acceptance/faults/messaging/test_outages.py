"""Brokers that are stopped or frozen: every wait ends, and everything recovers afterwards."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devstack.server import Server
from devstack.stack import Stack
from messaging import clients, producer_session
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError
from messaging.producer import Producer
from messaging.records import ProducerRecord
from messaging.subscription import Subscription
from messaging.topics import ensure_topics
from messaging.upload import send_file
from tests.integration.messaging.conftest import topic_when_broker_is_ready
from tests.support.freeze import freeze
from tests.support.recording_consumer import RecordingConsumer, TrackedConsumer
from tests.support.wait import wait_until_async


@pytest.fixture
def connection(dedicated_stack: Stack) -> KafkaConnection:
    return KafkaConnection(dedicated_stack.bootstrap_servers)


@pytest.fixture
async def topic(broker: Server, connection: KafkaConnection) -> str:
    return await topic_when_broker_is_ready(connection, 2)


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """All timeouts ten times shorter, in the same order."""
    monkeypatch.setattr(clients, "REQUEST_TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr(clients, "STOP_TIMEOUT_SECONDS", 1.5)
    monkeypatch.setattr(producer_session, "START_TIMEOUT_SECONDS", 2.0)
    monkeypatch.setattr(producer_session, "SEND_TIMEOUT_SECONDS", 1.5)
    monkeypatch.setattr(producer_session, "ACK_TIMEOUT_SECONDS", 4.5)
    monkeypatch.setattr(producer_session, "FLUSH_TIMEOUT_SECONDS", 0.5)


@asynccontextmanager
async def _frozen_broker(broker: Server) -> AsyncIterator[None]:
    freeze(broker)
    try:
        yield
    finally:
        broker.resume()


async def _publish_all(producer: Producer, messages: list[ProducerRecord]) -> None:
    """Publish until all of them are acknowledged."""

    async def acknowledged() -> bool:
        return all(await producer.publish(messages))

    await wait_until_async(acknowledged, 60, "the broker to acknowledge them")


def _make_records(topic: str, numbers: range) -> list[ProducerRecord]:
    return [ProducerRecord(topic, b"k%d" % (number % 5), b"%d" % number) for number in numbers]


@pytest.mark.usefixtures("short_timeouts")
async def test_publish_to_frozen_broker_is_bounded_and_recovers(
    broker: Server, connection: KafkaConnection, topic: str
) -> None:
    producer = Producer(connection, client_id="test")
    await _publish_all(producer, _make_records(topic, range(5)))
    async with _frozen_broker(broker):
        began = time.monotonic()
        assert await producer.publish(_make_records(topic, range(5, 7))) == [False, False]
        assert time.monotonic() - began < 20
        assert producer.last_error
    await _publish_all(producer, _make_records(topic, range(5, 7)))
    await producer.close()
    async with await Subscription.open(connection, topic) as subscription:
        values = {int(record.value or b"") async for record in subscription.read_existing()}
    assert values == set(range(7))


@pytest.mark.usefixtures("short_timeouts")
async def test_producer_closes_in_time_with_frozen_broker(
    broker: Server, connection: KafkaConnection, topic: str
) -> None:
    producer = Producer(connection, client_id="test")
    await _publish_all(producer, _make_records(topic, range(1)))
    async with _frozen_broker(broker):
        pending = asyncio.ensure_future(producer.publish(_make_records(topic, range(1, 2))))
        await asyncio.sleep(0)
        async with asyncio.timeout(15):
            await producer.close()
            await pending


@pytest.mark.usefixtures("short_timeouts")
async def test_first_connection_to_frozen_broker_raises(
    broker: Server, connection: KafkaConnection, topic: str, tmp_path: Path
) -> None:
    async with _frozen_broker(broker):
        for connecting in (
            ensure_topics(connection),
            Subscription.open(connection, topic),
            send_file(connection, _make_file(tmp_path), "f", topic=topic),
        ):
            async with asyncio.timeout(15):
                with pytest.raises(KafkaUnavailableError, match=connection.bootstrap_servers):
                    await connecting


@pytest.mark.usefixtures("short_timeouts")
async def test_consumer_stops_in_time_with_frozen_broker(
    broker: Server, connection: KafkaConnection, topic: str
) -> None:
    producer = Producer(connection, client_id="test")
    await _publish_all(producer, _make_records(topic, range(1)))
    await producer.close()
    before = asyncio.all_tasks()
    async with RecordingConsumer(connection, topic, topic).running() as consuming:
        await consuming.wait_for([0])
        freeze(broker)
        began = time.monotonic()
    assert time.monotonic() - began < 15
    assert asyncio.all_tasks() <= before


async def test_consumer_and_producer_survive_broker_restart(
    broker: Server, connection: KafkaConnection, topic: str, tracked_consumers: list[TrackedConsumer]
) -> None:
    producer = Producer(connection, client_id="test")
    async with RecordingConsumer(connection, topic, topic).running() as consuming:
        assert all(await producer.publish(_make_records(topic, range(20))))
        await consuming.wait_for(range(20))
        await asyncio.to_thread(broker.stop)
        pending = asyncio.ensure_future(producer.publish(_make_records(topic, range(20, 40))))
        await asyncio.to_thread(broker.start)
        assert all(await pending)
        await consuming.wait_for(range(40))
    await producer.close()
    assert len(tracked_consumers) == 1
    assert set(consuming.values) == set(range(40))


@pytest.mark.usefixtures("short_timeouts")
async def test_consumer_closes_without_error_during_broker_outage(
    broker: Server, connection: KafkaConnection, topic: str
) -> None:
    before = asyncio.all_tasks()
    consuming = RecordingConsumer(connection, topic, topic)
    async with consuming.running():
        began = consuming.last_progress

        async def polled() -> bool:
            return consuming.last_progress > began

        await wait_until_async(polled, 30, "the first poll")
        await asyncio.to_thread(broker.kill)
        seen = consuming.last_progress

        async def polled_on() -> bool:
            return consuming.last_progress > seen + 2

        await wait_until_async(polled_on, 30, "polls without a broker")
    assert asyncio.all_tasks() <= before


def _make_file(folder: Path) -> Path:
    path = folder / "f"
    path.write_bytes(b"content")
    return path
