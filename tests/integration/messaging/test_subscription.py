import asyncio
import time

import pytest

from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError, TopicsMissingError
from messaging.subscription import Subscription
from tests.integration.messaging.conftest import MakeTopic, Publish


async def test_existing_records_are_read_completely(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish
) -> None:
    topic = await make_topic(partitions=3)
    await publish(topic, 2_500, keys=10)
    async with await Subscription.open(connection, topic) as subscription:
        assert not subscription.caught_up
        values = [int(record.value or b"") async for record in subscription.read_existing()]
        assert subscription.caught_up
    assert sorted(values) == list(range(2_500))


async def test_empty_topic_is_caught_up_at_once(connection: KafkaConnection, make_topic: MakeTopic) -> None:
    topic = await make_topic(partitions=3)
    async with await Subscription.open(connection, topic) as subscription:
        assert subscription.caught_up
        assert [record async for record in subscription.read_existing()] == []


async def test_only_records_of_one_key_are_returned(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish
) -> None:
    topic = await make_topic(partitions=3)
    await publish(topic, 100, keys=10)
    async with await Subscription.open(connection, topic, key="k3") as subscription:
        values = [int(record.value or b"") async for record in subscription.read_existing()]
    assert values == list(range(3, 100, 10))


async def test_from_the_end_only_new_records_are_returned(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish
) -> None:
    topic = await make_topic()
    await publish(topic, 5)
    async with await Subscription.open(connection, topic, start="end") as subscription:
        assert subscription.caught_up
        await publish(topic, 1, first=5)
        [record] = await subscription.poll(10)
    assert record.value == b"5"


async def test_new_records_follow_existing_ones(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish
) -> None:
    topic = await make_topic()
    await publish(topic, 3)
    values = []
    async with await Subscription.open(connection, topic) as subscription, asyncio.timeout(20):
        async for record in subscription:
            values.append(int(record.value or b""))
            if len(values) == 3:
                await publish(topic, 2, first=3)
            if len(values) == 5:
                break
    assert values == [0, 1, 2, 3, 4]


async def test_mark_end_moves_the_end_to_newer_records(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish
) -> None:
    topic = await make_topic()
    async with await Subscription.open(connection, topic, start="end") as subscription, asyncio.timeout(20):
        await subscription.mark_end()
        assert subscription.caught_up
        await publish(topic, 2)
        await subscription.mark_end()
        assert not subscription.caught_up
        assert [record.value async for record in subscription.read_existing()] == [b"0", b"1"]
        assert subscription.caught_up


async def test_poll_without_records_takes_its_timeout(
    connection: KafkaConnection, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    async with await Subscription.open(connection, topic) as subscription:
        began = time.monotonic()
        assert await subscription.poll(1.5) == []
        assert 1.4 < time.monotonic() - began < 5


async def test_dead_reader_is_replaced(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish
) -> None:
    topic = await make_topic()
    await publish(topic, 3)
    async with await Subscription.open(connection, topic) as subscription, asyncio.timeout(20):
        assert [record.value async for record in subscription.read_existing()] == [b"0", b"1", b"2"]
        reader = subscription._reader
        assert reader is not None
        reader._consumer._fetcher._fetch_task.cancel()
        await publish(topic, 1, first=3)
        records = await subscription.poll(15)
        while not records:
            records = await subscription.poll(15)
    assert [record.value for record in records] == [b"3"]


async def test_missing_topic_is_named(connection: KafkaConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messaging.clients.REQUEST_TIMEOUT_SECONDS", 1.0)
    with pytest.raises(TopicsMissingError, match=r"test\.missing"):
        await Subscription.open(connection, "test.missing")


async def test_without_a_broker_an_error_is_raised() -> None:
    async with asyncio.timeout(10):
        with pytest.raises(KafkaUnavailableError, match="is not reachable"):
            await Subscription.open(KafkaConnection("127.0.0.1:1"), "any")
