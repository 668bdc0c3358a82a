"""A consumer whose stop() times out, in whatever state: closing leaks no task."""

import asyncio
import logging
import time
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from devstack.server import Server
from devstack.stack import Stack
from messaging import clients
from messaging.connection import KafkaConnection
from messaging.consumer import GROUP_OPTIONS
from tests.integration.messaging.conftest import MakeTopic
from tests.support.freeze import freeze
from tests.support.wait import wait_until_async

StartRequest = Callable[[AIOKafkaConsumer], object]


@pytest.fixture
def connection(dedicated_stack: Stack) -> KafkaConnection:
    return KafkaConnection(dedicated_stack.bootstrap_servers)


@pytest.fixture
def short_stop_timeout(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A timeout of stop() far below that of a request to a silent broker."""
    monkeypatch.setattr(clients, "STOP_TIMEOUT_SECONDS", 0.2)
    caplog.set_level(logging.INFO, "messaging.clients")


def _commit(consumer: AIOKafkaConsumer) -> object:
    [partition] = consumer.assignment()
    return asyncio.ensure_future(consumer.commit({partition: 0}))


def _refresh_metadata(consumer: AIOKafkaConsumer) -> object:
    [partition] = consumer.assignment()
    return asyncio.ensure_future(consumer.committed(partition))


IN_FLIGHT: dict[str, StartRequest] = {
    "Fetch": lambda consumer: None,
    "Heartbeat": lambda consumer: None,
    "FindCoordinator": lambda consumer: consumer._coordinator.coordinator_dead(),
    "JoinGroup": lambda consumer: consumer._coordinator.request_rejoin(),
    "Metadata": lambda consumer: consumer._client.force_metadata_update(),
    "OffsetCommit": _commit,
    "OffsetFetch": _refresh_metadata,
}


@pytest.mark.usefixtures("short_stop_timeout")
@pytest.mark.parametrize("request_name", IN_FLIGHT)
async def test_close_with_request_in_flight_leaks_no_task(
    broker: Server,
    connection: KafkaConnection,
    make_topic: MakeTopic,
    caplog: pytest.LogCaptureFixture,
    request_name: str,
) -> None:
    topic = await make_topic()
    before = asyncio.all_tasks()
    consumer = await _start_consumer(connection, topic, group_id=topic)
    freeze(broker)
    request = IN_FLIGHT[request_name](consumer)
    await _wait_for_in_flight(consumer, request_name)
    await _assert_force_closed(consumer, caplog)
    assert asyncio.all_tasks() - before == set(), request


@pytest.mark.usefixtures("short_stop_timeout")
async def test_hanging_stop_of_member_leaks_no_task(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    topic = await make_topic()
    before = asyncio.all_tasks()
    consumer = await _start_consumer(connection, topic, group_id=topic)
    monkeypatch.setattr(consumer._coordinator, "close", asyncio.Event().wait)
    await _assert_force_closed(consumer, caplog)
    assert asyncio.all_tasks() - before == set()


@pytest.mark.usefixtures("short_stop_timeout")
async def test_hanging_stop_of_reader_leaks_no_task(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    topic = await make_topic()
    before = asyncio.all_tasks()
    consumer = await _start_consumer(connection, topic, group_id=None)
    monkeypatch.setattr(consumer._coordinator, "close", asyncio.Event().wait)
    await _assert_force_closed(consumer, caplog)
    assert asyncio.all_tasks() - before == set()


async def _start_consumer(
    connection: KafkaConnection, topic: str, *, group_id: str | None
) -> AIOKafkaConsumer:
    options = {**clients.common_options(connection, "test"), **GROUP_OPTIONS, "heartbeat_interval_ms": 100}
    consumer = AIOKafkaConsumer(topic, group_id=group_id, **options)
    await consumer.start()
    await consumer.position(TopicPartition(topic, 0))
    return consumer


async def _wait_for_in_flight(consumer: AIOKafkaConsumer, name: str) -> None:
    async def sent() -> bool:
        connections = consumer._client._conns.values()
        requests = {
            type(request).__name__ for connection in connections for _, request, _ in connection._requests
        }
        return any(request.startswith(f"{name}Request") for request in requests)

    await wait_until_async(sent, 10, f"a request {name} in flight")


async def _assert_force_closed(consumer: AIOKafkaConsumer, caplog: pytest.LogCaptureFixture) -> None:
    began = time.monotonic()
    await clients.close_consumer(consumer)
    assert time.monotonic() - began < 8
    assert "no answer within 0.2 s" in caplog.text
