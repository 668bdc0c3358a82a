# ruff: noqa: SLF001 - the one file where private names are read
"""All that we know of aiokafka's private names: its inner tasks die without a word, so we look at them.

Checked against 0.14.0, which is why it is pinned exactly; a test fails when an upgrade renames one.
"""

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

Task = asyncio.Task[Any]


def sender_task(producer: AIOKafkaProducer) -> Task | None:
    """The task that sends batches; None before start. Dead, every send waits for ever."""
    task: Task | None = producer._sender.sender_task
    return task


def close_producer_client(producer: AIOKafkaProducer) -> Coroutine[Any, Any, None]:
    """Close the connections; only after the sender task has ended, or it hangs."""
    closing: Coroutine[Any, Any, None] = producer.client.close()
    return closing


def mark_producer_closed(producer: AIOKafkaProducer) -> None:
    """Mark as closed what was taken apart by hand, so that it does not complain when collected."""
    producer._closed = True


def group_member_tasks(consumer: AIOKafkaConsumer) -> dict[str, Task]:
    """The inner tasks of a started consumer that is a member of a group, by what they do."""
    return {**consumer_tasks(consumer), "coordination": consumer._coordinator._coordination_task}


def consumer_tasks(consumer: AIOKafkaConsumer) -> dict[str, Task]:
    """The inner tasks that every started consumer has."""
    return {"fetch": consumer._fetcher._fetch_task, "metadata": consumer._client._sync_task}


def close_fetcher(consumer: AIOKafkaConsumer) -> Coroutine[Any, Any, None] | None:
    """End the fetch tasks that a failed stop() left behind; None where it never started."""
    fetcher = consumer._fetcher
    closing: Coroutine[Any, Any, None] | None = fetcher.close() if fetcher else None
    return closing


def tasks_of_consumer(consumer: AIOKafkaConsumer) -> set[Task]:
    """All tasks that still run a method of this consumer or of one of its parts, our calls included.

    By owner, not by name: a commit is shielded, and a replaced task forgotten while it still runs.
    """
    parts = (consumer, consumer._client, consumer._coordinator, consumer._fetcher)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    return {task for task in others if any(_method_owner(task) is part for part in parts)}


def _method_owner(task: Task) -> object:
    """Whose method a task runs; something that is nobody's part where it runs a function."""
    coroutine: Any = task.get_coro()
    return inspect.getcoroutinelocals(coroutine).get("self", task)


def close_consumer_client(consumer: AIOKafkaConsumer) -> Coroutine[Any, Any, None]:
    """Close the connections that a failed stop() left behind."""
    closing: Coroutine[Any, Any, None] = consumer._client.close()
    return closing


def topic_partitions(consumer: AIOKafkaConsumer, topic: str) -> Coroutine[Any, Any, set[int]]:
    """The partitions of a topic, asked of the brokers when not known yet."""
    asking: Coroutine[Any, Any, set[int]] = consumer._client._wait_on_metadata(topic)
    return asking


def knows_controller(client: AIOKafkaAdminClient) -> bool:
    """Whether a started client has heard of an active broker; without one its calls raise AttributeError."""
    return client._client.cluster.controller is not None
