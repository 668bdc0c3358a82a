# ruff: noqa: SLF001 - the one file where private names are read
"""The private names of aiokafka that this package reads: its inner tasks fail silently, so they are watched.

Checked against 0.14.0, which is therefore pinned exactly; a test fails when an upgrade renames one.
"""

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

Task = asyncio.Task[Any]


def sender_task(producer: AIOKafkaProducer) -> Task | None:
    """The task that sends batches; None before start. Once it has ended, every send waits forever."""
    task: Task | None = producer._sender.sender_task
    return task


def close_producer_client(producer: AIOKafkaProducer) -> Coroutine[Any, Any, None]:
    """Close the connections. Hangs unless the sender task has ended before."""
    closing: Coroutine[Any, Any, None] = producer.client.close()
    return closing


def mark_producer_closed(producer: AIOKafkaProducer) -> None:
    """Mark a producer that was closed piece by piece as closed: it logs no error when it is collected."""
    producer._closed = True


def group_member_tasks(consumer: AIOKafkaConsumer) -> dict[str, Task]:
    """The inner tasks, by purpose, of a started consumer that is a member of a group."""
    return {**consumer_tasks(consumer), "coordination": consumer._coordinator._coordination_task}


def consumer_tasks(consumer: AIOKafkaConsumer) -> dict[str, Task]:
    """The inner tasks, by purpose, that every started consumer has."""
    return {"fetch": consumer._fetcher._fetch_task, "metadata": consumer._client._sync_task}


def close_fetcher(consumer: AIOKafkaConsumer) -> Coroutine[Any, Any, None] | None:
    """End the fetch tasks that a failed stop() left running; None if the consumer never started."""
    fetcher = consumer._fetcher
    closing: Coroutine[Any, Any, None] | None = fetcher.close() if fetcher else None
    return closing


def tasks_of_consumer(consumer: AIOKafkaConsumer) -> set[Task]:
    """All tasks that run a method of this consumer or of one of its parts, our own calls included.

    Found by owner, since no attribute refers to all of them: a commit is shielded, and a task that was
    replaced may still run.
    """
    parts = (consumer, consumer._client, consumer._coordinator, consumer._fetcher)
    other_tasks = asyncio.all_tasks() - {asyncio.current_task()}
    return {task for task in other_tasks if any(_method_owner(task) is part for part in parts)}


def _method_owner(task: Task) -> object:
    """The object whose method a task runs; the task itself if it runs a function."""
    coroutine: Any = task.get_coro()
    return inspect.getcoroutinelocals(coroutine).get("self", task)


def close_consumer_client(consumer: AIOKafkaConsumer) -> Coroutine[Any, Any, None]:
    """Close the connections that a failed stop() left open."""
    closing: Coroutine[Any, Any, None] = consumer._client.close()
    return closing


def topic_partitions(consumer: AIOKafkaConsumer, topic: str) -> Coroutine[Any, Any, set[int]]:
    """The partitions of a topic, requested from the brokers if not cached."""
    partitions: Coroutine[Any, Any, set[int]] = consumer._client._wait_on_metadata(topic)
    return partitions


def knows_controller(client: AIOKafkaAdminClient) -> bool:
    """Whether a started client knows the controller; without one its calls raise AttributeError."""
    return client._client.cluster.controller is not None
