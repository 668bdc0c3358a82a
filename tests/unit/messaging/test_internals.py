"""An upgrade of the client library that renames what we look at must fail here."""

import asyncio

import aiokafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from messaging import internals
from messaging.health import Stuck, require_alive


def test_the_library_is_the_one_we_know() -> None:
    assert aiokafka.__version__ == "0.14.0"


async def test_a_producer_has_the_names_we_use() -> None:
    producer = AIOKafkaProducer()
    assert internals.sender_task(producer) is None
    await internals.close_producer_client(producer)
    assert producer._closed is False
    internals.forget_producer(producer)
    assert producer._closed is True


async def test_a_consumer_has_the_names_we_use() -> None:
    consumer = AIOKafkaConsumer(group_id="g")
    assert internals.close_fetcher(consumer) is None
    await internals.close_consumer_client(consumer)
    assert hasattr(consumer, "_coordinator")
    await consumer.stop()


async def test_a_dead_inner_task_is_noticed() -> None:
    async def dies() -> None:
        raise ValueError("its reason")

    task = asyncio.ensure_future(dies())
    await asyncio.wait({task})
    with pytest.raises(Stuck, match="the fetch task of the client ended: its reason"):
        require_alive({"fetch": task})
