import asyncio
import time

import pytest
from aiokafka import AIOKafkaProducer

from messaging import producer_session as lines
from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.records import ProducerRecord
from messaging.subscription import Subscription, partition_for
from tests.integration.messaging.conftest import MakeTopic, Publish

NOWHERE = KafkaConnection("127.0.0.1:1")


async def _read(connection: KafkaConnection, topic: str) -> list[bytes | None]:
    async with await Subscription.open(connection, topic) as subscription:
        return [record.value async for record in subscription.read_existing()]


async def test_acknowledged_messages_are_stored_with_key_and_headers(
    connection: KafkaConnection, make_topic: MakeTopic, producer: Producer
) -> None:
    topic = await make_topic(partitions=6)
    message = ProducerRecord(topic, "ключ".encode(), b"{}", (("ce_id", b"1"), ("empty", b"")))
    before = time.time() * 1000 - 1_000
    assert await producer.publish([message]) == [True]
    async with await Subscription.open(connection, topic) as subscription:
        [record] = [record async for record in subscription.read_existing()]
    assert (record.topic, record.key, record.value) == (topic, message.key, b"{}")
    assert record.headers == message.headers
    assert record.partition == partition_for("ключ".encode(), 6)
    assert before < record.timestamp_ms < time.time() * 1000 + 1_000


async def test_publishing_nothing_needs_no_broker() -> None:
    producer = Producer(NOWHERE, client_id="test")
    assert await producer.publish([]) == []
    await producer.close()


async def test_several_tasks_may_publish_concurrently(
    connection: KafkaConnection, make_topic: MakeTopic, producer: Producer
) -> None:
    topic = await make_topic()
    answers = await asyncio.gather(
        *(producer.publish([ProducerRecord(topic, None, b"%d" % number)]) for number in range(50))
    )
    assert answers == [[True]] * 50
    assert sorted(int(value or b"") for value in await _read(connection, topic)) == list(range(50))


async def test_message_beyond_our_limit_is_rejected_and_later_ones_are_sent(
    connection: KafkaConnection, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    producer = Producer(connection, client_id="test", max_request_size=1_000)
    large, small = ProducerRecord(topic, b"a", b"x" * 2_000), ProducerRecord(topic, b"b", b"small")
    after_large = ProducerRecord(topic, b"a", b"must not overtake")
    assert (producer.fits(large), producer.fits(small)) == (False, True)
    assert await producer.publish([large, small, after_large]) == [False, True, False]
    assert await producer.publish([small]) == [True]
    await producer.close()
    assert await _read(connection, topic) == [b"small", b"small"]


async def test_message_beyond_the_brokers_limit_does_not_block_later_ones(
    connection: KafkaConnection, make_topic: MakeTopic, producer: Producer
) -> None:
    topic = await make_topic(max_message_bytes="1000")
    large, small = ProducerRecord(topic, b"a", b"x" * 2_000), ProducerRecord(topic, b"a", b"small")
    assert await producer.publish([small]) == [True]
    assert await producer.publish([large]) == [False]
    assert await producer.publish([small, small]) == [True, True]
    assert await _read(connection, topic) == [b"small"] * 3


async def test_larger_message_is_sent_if_producer_and_topic_allow_it(
    connection: KafkaConnection, make_topic: MakeTopic
) -> None:
    topic = await make_topic(max_message_bytes=str(1_048_588 + 64 * 1024))
    producer = Producer(connection, client_id="test", max_request_size=1_048_576 + 64 * 1024)
    message = ProducerRecord(topic, b"a", b"x" * 1_048_488, (("dlq-message", b"y" * 1_000),))
    assert await producer.publish([message]) == [True]
    await producer.close()


async def test_dead_sender_is_replaced(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built: list[AIOKafkaProducer] = []

    def build(**options: object) -> AIOKafkaProducer:
        built.append(AIOKafkaProducer(**options))
        return built[-1]

    monkeypatch.setattr(lines, "AIOKafkaProducer", build)
    topic = await make_topic()
    await publish(topic, 1)
    built[0]._sender.sender_task.cancel()
    await asyncio.wait({built[0]._sender.sender_task})
    await publish(topic, 1, first=1)
    assert len(built) == 2
    assert await _read(connection, topic) == [b"0", b"1"]


async def test_publish_without_broker_acknowledges_nothing_and_keeps_cause() -> None:
    producer = Producer(NOWHERE, client_id="test")
    async with asyncio.timeout(10):
        assert await producer.publish([ProducerRecord("any", None, b"x")]) == [False]
        await producer.close()
    assert producer.last_error is not None
    assert "127.0.0.1:1 is not reachable" in producer.last_error


async def test_closed_producer_acknowledges_nothing(
    connection: KafkaConnection, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    producer = Producer(connection, client_id="test")
    assert await producer.publish([ProducerRecord(topic, None, b"x")]) == [True]
    await producer.close()
    assert await producer.publish([ProducerRecord(topic, None, b"y")]) == [False]
    assert await _read(connection, topic) == [b"x"]


async def test_no_task_is_leaked(connection: KafkaConnection, make_topic: MakeTopic) -> None:
    topic = await make_topic()
    before = asyncio.all_tasks()
    producer = Producer(connection, client_id="test")
    await producer.publish([ProducerRecord(topic, None, b"x")])
    await producer.close()
    assert asyncio.all_tasks() <= before
