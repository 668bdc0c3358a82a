"""What the cluster says of topics: whether they are there, their ids, how many partitions."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.client import AIOKafkaClient

from messaging.clients import CLOSE_SECONDS, FAILURES, REQUEST_SECONDS, common_options, quietly
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailable, TopicsMissing
from messaging.guard import within
from messaging.quiet import causes
from messaging.wire import TopicsRequest

CLIENT_ID = "migration-metadata"
CONNECT_SECONDS = 2 * REQUEST_SECONDS
"""Two silent brokers, one after the other."""

UNKNOWN_TOPIC = 3
TOPIC_FORBIDDEN = 29


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic as the cluster has it; `id` is Kafka's, new each time a topic of that name is made."""

    name: str
    id: str
    partitions: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """How many brokers are up, and those of the topics asked for that exist."""

    brokers: int
    topics: dict[str, TopicState]


async def describe(connection: KafkaConnection, names: Sequence[str]) -> Cluster:
    """Ask about topics without making any; raises KafkaUnavailable, TopicsMissing where we may not look."""
    client = AIOKafkaClient(**common_options(connection, CLIENT_ID))
    with causes() as seen:
        try:
            await within(CONNECT_SECONDS, client.bootstrap())
            answer = await within(
                REQUEST_SECONDS, client.send(client.get_random_node(), TopicsRequest(names))
            )
        except NotImplementedError as error:
            raise KafkaUnavailable(
                f"Kafka at {connection.bootstrap_servers} is too old to tell topic ids: 3.1 is the oldest "
                "that does."
            ) from error
        except FAILURES as error:
            raise KafkaUnavailable.at(connection.bootstrap_servers, [*seen] or [error]) from error
        finally:
            await quietly(CLOSE_SECONDS, client.close())
    return Cluster(len(answer.brokers), _existing(answer.topics))


async def topic_ids(connection: KafkaConnection, names: Sequence[str]) -> dict[str, str]:
    """Name → id (as `kafka-topics --describe` prints it); raises TopicsMissing, KafkaUnavailable."""
    topics = (await describe(connection, names)).topics
    if missing := [name for name in names if name not in topics]:
        raise TopicsMissing(
            f"Kafka has no topic {', '.join(missing)}: start the service once, it makes them."
        )
    return {name: topics[name].id for name in names}


def _existing(answers: list[Any]) -> dict[str, TopicState]:
    topics = {}
    for error, name, topic_id, _internal, partitions, *_rest in answers:
        if error == TOPIC_FORBIDDEN:
            raise TopicsMissing(f"This user of Kafka may not see the topic {name}: allow DESCRIBE on it.")
        if error != UNKNOWN_TOPIC:
            topics[name] = TopicState(name, _printed(topic_id.bytes), len(partitions))
    return topics


def _printed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
