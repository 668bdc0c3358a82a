import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from devstack.server import Server
from devstack.stack import Stack
from messaging import consumer
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError, TopicsMissingError
from messaging.producer import Producer
from messaging.records import ProducerRecord
from messaging.topics import ensure_topics
from schemas.topics import Topic
from tests.support.recording_consumer import TrackedConsumer
from tests.support.wait import wait_until_async

MakeTopic = Callable[..., Awaitable[str]]
Publish = Callable[..., Awaitable[None]]


@pytest.fixture
def connection(kafka_bootstrap: str) -> KafkaConnection:
    return KafkaConnection(kafka_bootstrap)


@pytest.fixture
def group_id() -> str:
    """The name of a consumer group of this test only."""
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
def broker(dedicated_stack: Stack) -> Iterator[Server]:
    """The only broker of this module's own stack: tests pause, stop or kill it; it runs again afterwards."""
    [server] = dedicated_stack.brokers
    yield server
    server.resume()
    if not server.running:
        server.start()


@pytest.fixture
def make_topic(connection: KafkaConnection) -> MakeTopic:
    """Create a topic of this test only, with `partitions` and a configuration."""

    async def make(partitions: int = 1, **config: str) -> str:
        name = f"test.{uuid.uuid4().hex}"
        settings = {option.replace("_", "."): value for option, value in config.items()}
        await ensure_topics(connection, [Topic(name, settings, partitions)])
        return name

    return make


async def topic_when_broker_is_ready(connection: KafkaConnection, partitions: int) -> str:
    """Create a topic once the broker has joined again: one that was frozen may have been fenced."""
    name = f"test.{uuid.uuid4().hex}"

    async def made() -> bool:
        try:
            await ensure_topics(connection, [Topic(name, {}, partitions)])
        except (KafkaUnavailableError, TopicsMissingError):
            return False
        return True

    await wait_until_async(made, 60, "the broker to join")
    return name


@pytest.fixture
async def producer(connection: KafkaConnection) -> AsyncIterator[Producer]:
    made = Producer(connection, client_id="test-producer")
    yield made
    await made.close()


@pytest.fixture
def publish(producer: Producer) -> Publish:
    """Publish numbered values, all acknowledged: `b"0"`, `b"1"`, … with keys `k0` … `k<keys - 1>`."""

    async def send(topic: str, count: int, keys: int = 1, first: int = 0) -> None:
        numbers = range(first, first + count)
        messages = [ProducerRecord(topic, b"k%d" % (number % keys), b"%d" % number) for number in numbers]
        assert all(await producer.publish(messages))

    return send


@pytest.fixture
def tracked_consumers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[TrackedConsumer]]:
    """The consumers that group consumers have built in this test."""
    monkeypatch.setattr(consumer, "AIOKafkaConsumer", TrackedConsumer)
    yield TrackedConsumer.instances
    TrackedConsumer.instances.clear()
