"""Polls continue without a broker: readiness depends on the last response of the brokers."""

import uuid
from collections.abc import Iterator

import pytest

from devstack.server import Server
from devstack.stack import Stack
from messaging import clients, stall_detection
from messaging.connection import KafkaConnection
from messaging.topics import ensure_topics
from schemas.topics import Topic
from tests.support.recording_consumer import RecordingConsumer
from tests.support.wait import wait_until_async


@pytest.fixture
def broker(dedicated_stack: Stack) -> Iterator[Server]:
    [server] = dedicated_stack.brokers
    yield server
    if not server.running:
        server.start()


async def test_last_response_predates_broker_loss(
    dedicated_stack: Stack, broker: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stall_detection, "CHECK_INTERVAL_SECONDS", 0.2)
    monkeypatch.setattr(clients, "REQUEST_TIMEOUT_SECONDS", 1.0)
    connection, topic = KafkaConnection(dedicated_stack.bootstrap_servers), f"test.{uuid.uuid4().hex}"
    await ensure_topics(connection, [Topic(topic, {}, 1)])
    async with RecordingConsumer(connection, topic, topic).running() as consuming:
        consumer = consuming.consumer

        async def answered_after(moment: float) -> bool:
            return (consumer.last_broker_response() or 0.0) > moment

        begun = consuming.last_progress
        await wait_until_async(lambda: answered_after(begun + 2), 60, "answers to an idle consumer")
        broker.kill()
        lost = consuming.last_progress + 1

        async def polled_on() -> bool:
            return consuming.last_progress > lost + 3

        await wait_until_async(polled_on, 60, "polls without a broker")
        assert not await answered_after(lost)
        broker.start()
        await wait_until_async(lambda: answered_after(lost + 3), 60, "the broker's return")
