"""Topics of the cluster: whether they exist, their ids, their numbers of partitions."""

import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.client import AIOKafkaClient

from messaging.clients import (
    CLIENT_ERRORS,
    CLOSE_TIMEOUT_SECONDS,
    CONNECT_TIMEOUT_SECONDS,
    REQUEST_TIMEOUT_SECONDS,
    common_options,
    ignore_errors,
)
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError, TopicsMissingError
from messaging.log_filter import capture_warnings
from messaging.metadata_v12 import TopicMetadataRequest
from messaging.timeouts import call_with_deadline, no_heartbeat

CLIENT_ID = "migration-metadata"
TOPIC_ID_TTL_SECONDS = 60.0
"""How long a cached id is used; a topic that was deleted and created again has another one."""

UNKNOWN_TOPIC_OR_PARTITION = 3
TOPIC_AUTHORIZATION_FAILED = 29


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic; Kafka gives a new `id` whenever a topic of this name is created."""

    name: str
    id: str
    partitions: int


@dataclass(frozen=True, slots=True)
class ClusterMetadata:
    """The number of live brokers, and those of the requested topics that exist, by name."""

    broker_count: int
    topics: dict[str, TopicState]


async def describe_topics(
    connection: KafkaConnection, names: Sequence[str], heartbeat: Callable[[], None] = no_heartbeat
) -> ClusterMetadata:
    """Look topics up without creating any.

    Raises KafkaUnavailableError, and TopicsMissingError if this user may not see one of them.
    """
    client = AIOKafkaClient(**common_options(connection, CLIENT_ID))
    with capture_warnings() as warnings:
        try:
            await call_with_deadline(CONNECT_TIMEOUT_SECONDS, client.bootstrap(), heartbeat=heartbeat)
            request = client.send(client.get_random_node(), TopicMetadataRequest(names))
            response = await call_with_deadline(REQUEST_TIMEOUT_SECONDS, request, heartbeat=heartbeat)
        except NotImplementedError as error:
            raise KafkaUnavailableError(
                f"Kafka at {connection.bootstrap_servers} is too old to tell topic ids: 3.1 is the oldest "
                "that does."
            ) from error
        except CLIENT_ERRORS as error:
            raise connection.unavailable_error(*(warnings or [error])) from error
        finally:
            await ignore_errors(CLOSE_TIMEOUT_SECONDS, client.close())
    return ClusterMetadata(len(response.brokers), _existing_topics(response.topics))


async def topic_ids(
    connection: KafkaConnection, names: Sequence[str], heartbeat: Callable[[], None] = no_heartbeat
) -> dict[str, str]:
    """Ids by name, as `kafka-topics --describe` prints them.

    Raises TopicsMissingError, KafkaUnavailableError.
    """
    topics = (await describe_topics(connection, names, heartbeat)).topics
    if missing := [name for name in names if name not in topics]:
        raise TopicsMissingError(
            f"Kafka has no topic {', '.join(missing)}: start the service once, it makes them."
        )
    return {name: topics[name].id for name in names}


class CachedTopicId:
    """The id of one topic, cached because each lookup opens a connection. `clock` gives monotonic seconds."""

    def __init__(
        self,
        connection: KafkaConnection,
        name: str,
        clock: Callable[[], float] = time.monotonic,
        heartbeat: Callable[[], None] = no_heartbeat,
    ) -> None:
        self._connection = connection
        self._name = name
        self._clock = clock
        self._heartbeat = heartbeat
        self._cached_id: str | None = None
        self._expires_at = 0.0

    async def __call__(self) -> str:
        """The id, at most TOPIC_ID_TTL_SECONDS old; raises TopicsMissingError, KafkaUnavailableError."""
        if self._cached_id is None or self._clock() >= self._expires_at:
            self._cached_id = (await topic_ids(self._connection, [self._name], self._heartbeat))[self._name]
            self._expires_at = self._clock() + TOPIC_ID_TTL_SECONDS
        return self._cached_id


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
