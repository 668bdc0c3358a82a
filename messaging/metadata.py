"""What the cluster says of topics: whether they are there, their ids, how many partitions."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.client import AIOKafkaClient

from messaging.clients import (
    CLIENT_ERRORS,
    CLOSE_TIMEOUT_SECONDS,
    REQUEST_TIMEOUT_SECONDS,
    common_options,
    ignore_errors,
)
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError, TopicsMissingError
from messaging.log_filter import capture_warnings
from messaging.metadata_v12 import TopicMetadataRequest
from messaging.timeouts import call_with_deadline

CLIENT_ID = "migration-metadata"
CONNECT_TIMEOUT_SECONDS = 2 * REQUEST_TIMEOUT_SECONDS
"""Two silent brokers, one after the other."""

UNKNOWN_TOPIC_OR_PARTITION = 3
TOPIC_AUTHORIZATION_FAILED = 29


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic as the cluster has it; `id` is Kafka's, new each time a topic of that name is made."""

    name: str
    id: str
    partitions: int


@dataclass(frozen=True, slots=True)
class ClusterMetadata:
    """How many brokers are up, and those of the topics asked for that exist."""

    broker_count: int
    topics: dict[str, TopicState]


async def describe_topics(connection: KafkaConnection, names: Sequence[str]) -> ClusterMetadata:
    """Ask about topics without making any; raises KafkaUnavailableError, TopicsMissingError where we may not look."""
    client = AIOKafkaClient(**common_options(connection, CLIENT_ID))
    with capture_warnings() as seen:
        try:
            await call_with_deadline(CONNECT_TIMEOUT_SECONDS, client.bootstrap())
            answer = await call_with_deadline(
                REQUEST_TIMEOUT_SECONDS, client.send(client.get_random_node(), TopicMetadataRequest(names))
            )
        except NotImplementedError as error:
            raise KafkaUnavailableError(
                f"Kafka at {connection.bootstrap_servers} is too old to tell topic ids: 3.1 is the oldest "
                "that does."
            ) from error
        except CLIENT_ERRORS as error:
            raise KafkaUnavailableError.for_servers(
                connection.bootstrap_servers, [*seen] or [error]
            ) from error
        finally:
            await ignore_errors(CLOSE_TIMEOUT_SECONDS, client.close())
    return ClusterMetadata(len(answer.brokers), _existing_topics(answer.topics))


async def topic_ids(connection: KafkaConnection, names: Sequence[str]) -> dict[str, str]:
    """Name → id (as `kafka-topics --describe` prints it); raises TopicsMissingError, KafkaUnavailableError."""
    topics = (await describe_topics(connection, names)).topics
    if missing := [name for name in names if name not in topics]:
        raise TopicsMissingError(
            f"Kafka has no topic {', '.join(missing)}: start the service once, it makes them."
        )
    return {name: topics[name].id for name in names}


def _existing_topics(topic_responses: list[Any]) -> dict[str, TopicState]:
    topics = {}
    for error, name, topic_id, _internal, partitions, *_rest in topic_responses:
        if error == TOPIC_AUTHORIZATION_FAILED:
            raise TopicsMissingError(
                f"This user of Kafka may not see the topic {name}: allow DESCRIBE on it."
            )
        if error != UNKNOWN_TOPIC_OR_PARTITION:
            topics[name] = TopicState(name, _encode_topic_id(topic_id.bytes), len(partitions))
    return topics


def _encode_topic_id(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
