"""Makes the topics that are missing, with the settings they are meant to have."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from messaging import aiokafka_private
from messaging.clients import (
    CLIENT_ERRORS,
    CLOSE_TIMEOUT_SECONDS,
    REQUEST_TIMEOUT_SECONDS,
    common_options,
    ignore_errors,
    start_client,
)
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError, TopicsMissingError
from messaging.metadata import CONNECT_TIMEOUT_SECONDS, describe_topics, topic_ids
from messaging.timeouts import call_with_deadline
from schemas.topics import ALL_TOPICS, Topic

__all__ = ["ensure_topics", "topic_ids"]

REPLICATION_FACTOR = 3
CREATE_TIMEOUT_SECONDS = 2 * REQUEST_TIMEOUT_SECONDS
"""The library asks a second time where the controller has moved."""
VISIBLE_TIMEOUT_SECONDS = 15.0
"""Until all brokers know of a new topic."""
CHECK_INTERVAL_SECONDS = 0.2

TOPIC_ALREADY_EXISTS = 36
RETRYABLE_CODES = frozenset({7, 14, 15, 41})
"""Timed out, or the controller is elsewhere: worth another try."""


async def ensure_topics(connection: KafkaConnection, topics: Sequence[Topic] = ALL_TOPICS) -> None:
    """Make the topics that are missing; those that exist are left as they are.

    Raises TopicsMissingError naming those that may not or cannot be made, KafkaUnavailableError.
    """
    names = [topic.name for topic in topics]
    cluster = await describe_topics(connection, names)
    missing = [topic for topic in topics if topic.name not in cluster.topics]
    if missing:
        if not cluster.broker_count:
            raise _no_active_broker_error(connection)
        refused = await _create(connection, [_new_topic(topic, cluster.broker_count) for topic in missing])
        if refused:
            raise TopicsMissingError(_missing_topics_message(refused))
        await _wait_visible(connection, names)


async def _create(connection: KafkaConnection, topics: list[NewTopic]) -> dict[str, str]:
    """Name → reason for those that were refused."""
    client = AIOKafkaAdminClient(**common_options(connection, "migration-topics"))
    try:
        await start_client(client, connection, CONNECT_TIMEOUT_SECONDS)
        if not aiokafka_private.knows_controller(client):
            raise _no_active_broker_error(connection)
        answer = await call_with_deadline(CREATE_TIMEOUT_SECONDS, client.create_topics(topics))
    except CLIENT_ERRORS as error:
        raise KafkaUnavailableError.for_servers(connection.bootstrap_servers, [error]) from error
    finally:
        await ignore_errors(CLOSE_TIMEOUT_SECONDS, client.close())
    return _rejections(connection, answer.topic_errors)


def _rejections(connection: KafkaConnection, topic_errors: list[Any]) -> dict[str, str]:
    refused = {}
    for name, code, *message in topic_errors:
        reason = str(message[0] if message and message[0] else for_code(code).__name__)
        if code in RETRYABLE_CODES:
            raise KafkaUnavailableError.for_servers(
                connection.bootstrap_servers, [f"topic {name} was not made: {reason}"]
            )
        if code not in {0, TOPIC_ALREADY_EXISTS}:
            refused[name] = reason
    return refused


async def _wait_visible(connection: KafkaConnection, names: list[str]) -> None:
    end = time.monotonic() + VISIBLE_TIMEOUT_SECONDS
    while set(names) - (await describe_topics(connection, names)).topics.keys():
        if time.monotonic() > end:
            raise KafkaUnavailableError.for_servers(
                connection.bootstrap_servers, ["new topics do not appear"]
            )
        await asyncio.sleep(CHECK_INTERVAL_SECONDS)


def _no_active_broker_error(connection: KafkaConnection) -> KafkaUnavailableError:
    """A broker that has just started or was frozen answers before it takes part; it then knows no broker."""
    return KafkaUnavailableError.for_servers(connection.bootstrap_servers, ["no broker is active yet"])


def _new_topic(topic: Topic, broker_count: int) -> NewTopic:
    replicas = min(REPLICATION_FACTOR, broker_count)
    # With three copies one broker may be away and what was acknowledged is still on two.
    safety = {"min.insync.replicas": "2"} if replicas >= REPLICATION_FACTOR else {}
    return NewTopic(topic.name, topic.partitions, replicas, topic_configs={**safety, **topic.config})


def _missing_topics_message(rejections: dict[str, str]) -> str:
    reasons = "; ".join(f"{name} ({reason.rstrip('.')})" for name, reason in rejections.items())
    return (
        f"Topics are missing and could not be made: {reasons}. "
        "Make them by hand with the settings in schemas/asyncapi.yaml, or allow this user CREATE on them."
    )
