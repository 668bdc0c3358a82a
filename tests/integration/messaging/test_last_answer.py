"""Polls go on without a broker: whether the service is ready is told by the brokers' last answer."""

import uuid
from collections.abc import Iterator

import pytest

from devstack.server import Server
from devstack.stack import Stack
from messaging import clients, health
from messaging.connection import KafkaConnection
from messaging.topics import ensure_topics
from schemas.topics import Topic
from tests.support.consuming import Consuming
from tests.support.wait import until_async


@pytest.fixture
def broker(own_stack: Stack) -> Iterator[Server]:
    [server] = own_stack.brokers
    yield server
    if not server.running:
        server.start()


async def test_the_last_answer_is_from_before_the_broker_was_lost(
    own_stack: Stack, broker: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.2)
    monkeypatch.setattr(clients, "REQUEST_SECONDS", 1.0)
    connection, topic = KafkaConnection(own_stack.bootstrap_servers), f"test.{uuid.uuid4().hex}"
    await ensure_topics(connection, [Topic(topic, {}, 1)])
    async with Consuming(connection, topic, topic).running() as consuming:
        consumer = consuming.consumer

        async def answered_after(moment: float) -> bool:
            return (consumer.last_answer() or 0.0) > moment

        begun = consumer.last_progress()
        await until_async(lambda: answered_after(begun + 2), 60, "answers to an idle consumer")
        broker.kill()
        lost = consumer.last_progress() + 1

        async def polled_on() -> bool:
            return consumer.last_progress() > lost + 3

        await until_async(polled_on, 60, "polls without a broker")
        assert not await answered_after(lost)
        broker.start()
        await until_async(lambda: answered_after(lost + 3), 60, "the broker's return")
