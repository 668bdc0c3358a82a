"""Makes the topics that are missing, with the settings they are meant to have."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from messaging import internals
from messaging.clients import CLOSE_SECONDS, FAILURES, REQUEST_SECONDS, common_options, quietly, start
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailable, TopicsMissing
from messaging.guard import within
from messaging.metadata import CONNECT_SECONDS, describe, topic_ids
from schemas.topics import ALL, Topic

__all__ = ["ensure_topics", "topic_ids"]

REPLICAS = 3
CREATE_SECONDS = 2 * REQUEST_SECONDS
"""The library asks a second time where the controller has moved."""
APPEAR_SECONDS = 15.0
"""Until all brokers know of a new topic."""
LOOK_SECONDS = 0.2

ALREADY_EXISTS = 36
PASSING = frozenset({7, 14, 15, 41})
"""Timed out, or the controller is elsewhere: worth another try."""


async def ensure_topics(connection: KafkaConnection, topics: Sequence[Topic] = ALL) -> None:
    """Make the topics that are missing; those that exist are left as they are.

    Raises TopicsMissing naming those that may not or cannot be made, KafkaUnavailable.
    """
    names = [topic.name for topic in topics]
    cluster = await describe(connection, names)
    missing = [topic for topic in topics if topic.name not in cluster.topics]
    if missing:
        if not cluster.brokers:
            raise _inactive(connection)
        refused = await _create(connection, [_new(topic, cluster.brokers) for topic in missing])
        if refused:
            raise TopicsMissing(_sentence(refused))
        await _appeared(connection, names)


async def _create(connection: KafkaConnection, topics: list[NewTopic]) -> dict[str, str]:
    """Name → reason for those that were refused."""
    client = AIOKafkaAdminClient(**common_options(connection, "migration-topics"))
    try:
        await start(client, connection, CONNECT_SECONDS)
        if not internals.knows_controller(client):
            raise _inactive(connection)
        answer = await within(CREATE_SECONDS, client.create_topics(topics))
    except FAILURES as error:
        raise KafkaUnavailable.at(connection.bootstrap_servers, [error]) from error
    finally:
        await quietly(CLOSE_SECONDS, client.close())
    return _refused(connection, answer.topic_errors)


def _refused(connection: KafkaConnection, answers: list[Any]) -> dict[str, str]:
    refused = {}
    for name, code, *message in answers:
        reason = str(message[0] if message and message[0] else for_code(code).__name__)
        if code in PASSING:
            raise KafkaUnavailable.at(connection.bootstrap_servers, [f"topic {name} was not made: {reason}"])
        if code not in {0, ALREADY_EXISTS}:
            refused[name] = reason
    return refused


async def _appeared(connection: KafkaConnection, names: list[str]) -> None:
    end = time.monotonic() + APPEAR_SECONDS
    while set(names) - (await describe(connection, names)).topics.keys():
        if time.monotonic() > end:
            raise KafkaUnavailable.at(connection.bootstrap_servers, ["new topics do not appear"])
        await asyncio.sleep(LOOK_SECONDS)


def _inactive(connection: KafkaConnection) -> KafkaUnavailable:
    """A broker that has just started or was frozen answers before it takes part; it then knows no broker."""
    return KafkaUnavailable.at(connection.bootstrap_servers, ["no broker is active yet"])


def _new(topic: Topic, brokers: int) -> NewTopic:
    replicas = min(REPLICAS, brokers)
    # With three copies one broker may be away and what was acknowledged is still on two.
    safety = {"min.insync.replicas": "2"} if replicas >= REPLICAS else {}
    return NewTopic(topic.name, topic.partitions, replicas, topic_configs={**safety, **topic.config})


def _sentence(refused: dict[str, str]) -> str:
    reasons = "; ".join(f"{name} ({reason.rstrip('.')})" for name, reason in refused.items())
    return (
        f"Topics are missing and could not be made: {reasons}. "
        "Make them by hand with the settings in schemas/asyncapi.yaml, or allow this user CREATE on them."
    )
