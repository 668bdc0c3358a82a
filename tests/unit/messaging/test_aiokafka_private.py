"""An upgrade of aiokafka that renames one of the private names must fail here."""

import asyncio

import aiokafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.consumer.group_coordinator import GroupCoordinator

from messaging import aiokafka_private
from messaging.stall_detection import ConsumerStalledError, require_alive


def test_library_has_the_checked_version() -> None:
    assert aiokafka.__version__ == "0.14.0"


async def test_producer_has_the_private_names() -> None:
    producer = AIOKafkaProducer()
    assert aiokafka_private.sender_task(producer) is None
    await aiokafka_private.close_producer_client(producer)
    assert producer._closed is False
    aiokafka_private.mark_producer_closed(producer)
    assert producer._closed is True


async def test_consumer_has_the_private_names() -> None:
    consumer = AIOKafkaConsumer(group_id="g")
    assert aiokafka_private.close_fetcher(consumer) is None
    await aiokafka_private.close_consumer_client(consumer)
    assert hasattr(consumer, "_coordinator")
    await consumer.stop()


async def test_admin_client_has_the_private_names() -> None:
    client = AIOKafkaAdminClient()
    assert not aiokafka_private.knows_controller(client)
    client._client.cluster.controller = object()
    assert aiokafka_private.knows_controller(client)
    await client.close()


async def test_tasks_of_a_consumer_are_found_by_owner() -> None:
    consumer, other = AIOKafkaConsumer(group_id="g"), AIOKafkaConsumer(group_id="g")
    for group_consumer in (consumer, other):
        group_consumer._coordinator = GroupCoordinator(
            group_consumer._client, group_consumer._subscription, group_id="g"
        )
    coordinator = consumer._coordinator
    coordinator.member_id = "m"
    coordinator._start_heartbeat_task()
    assert aiokafka_private.tasks_of_consumer(consumer) == {
        coordinator._coordination_task,
        coordinator._heartbeat_task,
    }
    stopping = asyncio.ensure_future(consumer.stop())
    assert stopping in aiokafka_private.tasks_of_consumer(consumer)
    await stopping
    assert aiokafka_private.tasks_of_consumer(consumer) == set()
    assert aiokafka_private.tasks_of_consumer(other) == {other._coordinator._coordination_task}
    await other.stop()


async def test_consumer_that_never_started_has_no_task() -> None:
    consumer = AIOKafkaConsumer(group_id="g")
    function, method = asyncio.ensure_future(asyncio.sleep(60)), asyncio.ensure_future(asyncio.Event().wait())
    await asyncio.sleep(0)
    assert aiokafka_private.tasks_of_consumer(consumer) == set()
    assert function.cancel()
    assert method.cancel()
    await consumer.stop()


async def test_dead_inner_task_is_detected() -> None:
    async def dies() -> None:
        raise ValueError("its reason")

    task = asyncio.ensure_future(dies())
    await asyncio.wait({task})
    with pytest.raises(ConsumerStalledError, match="the fetch task of the client ended: its reason"):
        require_alive({"fetch": task})
