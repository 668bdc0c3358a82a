"""Creates the topics that are missing, with the settings that the contract gives them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka.admin import NewTopic
from aiokafka.errors import for_code

from messaging import aiokafka_private
from messaging.clients import CLIENT_ERRORS, REQUEST_TIMEOUT_SECONDS, admin_client
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError, TopicsMissingError
from messaging.metadata import describe_topics
from messaging.timeouts import call_with_deadline, no_heartbeat
from schemas.topics import ALL_TOPICS, Topic

CLIENT_ID = "migration-topics"
REPLICATION_FACTOR = 3
CREATE_TIMEOUT_SECONDS = 2 * REQUEST_TIMEOUT_SECONDS
"""Two requests: the library repeats it if the controller has moved."""
VISIBLE_TIMEOUT_SECONDS = 15.0
"""Until all brokers know a new topic."""
CHECK_INTERVAL_SECONDS = 0.2

TOPIC_ALREADY_EXISTS = 36
RETRYABLE_CODES = frozenset({7, 14, 15, 41})
"""Timed out, coordinator loading or not available, not the controller: a later try may succeed."""


async def ensure_topics(
    connection: KafkaConnection,
    topics: Sequence[Topic] = ALL_TOPICS,
    heartbeat: Callable[[], None] = no_heartbeat,
) -> None:
    """Create the topics that are missing; existing ones are not changed.

    Raises KafkaUnavailableError, and TopicsMissingError that names those that could not be created.
    """
    names = [topic.name for topic in topics]
    cluster = await describe_topics(connection, names, heartbeat)
    missing = [topic for topic in topics if topic.name not in cluster.topics]
    if missing:
        if not cluster.broker_count:
            raise _no_active_broker_error(connection)
        new_topics = [_new_topic(topic, cluster.broker_count) for topic in missing]
        if rejections := await _create(connection, new_topics, heartbeat):
            raise TopicsMissingError(_missing_topics_message(rejections))
        await _wait_visible(connection, names, heartbeat)


async def _create(
    connection: KafkaConnection, topics: list[NewTopic], heartbeat: Callable[[], None]
) -> dict[str, str]:
    """Create topics; return the reasons by name for those that the cluster rejected."""
    async with admin_client(connection, CLIENT_ID, heartbeat) as client:
        if not aiokafka_private.knows_controller(client):
            raise _no_active_broker_error(connection)
        try:
            response = await call_with_deadline(
                CREATE_TIMEOUT_SECONDS, client.create_topics(topics), heartbeat=heartbeat
            )
        except CLIENT_ERRORS as error:
            raise connection.unavailable_error(error) from error
    return _rejections(connection, response.topic_errors)


def _rejections(connection: KafkaConnection, topic_errors: list[Any]) -> dict[str, str]:
    rejections = {}
    for name, code, *message in topic_errors:
        reason = str(message[0] if message and message[0] else for_code(code).__name__)
        if code in RETRYABLE_CODES:
            raise connection.unavailable_error(f"topic {name} was not made: {reason}")
        if code not in {0, TOPIC_ALREADY_EXISTS}:
            rejections[name] = reason
    return rejections


async def _wait_visible(connection: KafkaConnection, names: list[str], heartbeat: Callable[[], None]) -> None:
    end = time.monotonic() + VISIBLE_TIMEOUT_SECONDS
    while set(names) - (await describe_topics(connection, names, heartbeat)).topics.keys():
        if time.monotonic() > end:
            raise connection.unavailable_error("new topics do not appear")
        await asyncio.sleep(CHECK_INTERVAL_SECONDS)


def _no_active_broker_error(connection: KafkaConnection) -> KafkaUnavailableError:
    """A broker that has just started or was frozen answers before it has joined, and then lists no broker."""
    return connection.unavailable_error("no broker is active yet")


def _new_topic(topic: Topic, broker_count: int) -> NewTopic:
    replicas = min(REPLICATION_FACTOR, broker_count)
    # With three replicas, one broker may be down and acknowledged messages are still on two.
    safety = {"min.insync.replicas": "2"} if replicas >= REPLICATION_FACTOR else {}
    return NewTopic(topic.name, topic.partitions, replicas, topic_configs={**safety, **topic.config})


def _missing_topics_message(rejections: dict[str, str]) -> str:
    reasons = "; ".join(f"{name} ({reason.rstrip('.')})" for name, reason in rejections.items())
    return (
        f"Topics are missing and could not be made: {reasons}. "
        "Make them by hand with the settings in schemas/asyncapi.yaml, or allow this user CREATE on them."
    )
