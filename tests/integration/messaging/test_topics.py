import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from messaging import aiokafka_private, topics
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError, TopicsMissingError
from messaging.metadata import ClusterMetadata, describe_topics, topic_ids
from messaging.topics import ensure_topics
from schemas.topics import ALL_TOPICS, STATUS, Topic
from tests.integration.messaging.conftest import MakeTopic
from tests.support.wait import wait_until_async


@pytest.fixture
async def admin(connection: KafkaConnection) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**connection.options())
    await client.start()
    yield client
    await client.close()


def _unique() -> str:
    return f"test.{uuid.uuid4().hex}"


async def test_missing_topics_are_created_with_their_settings(
    connection: KafkaConnection, admin: AIOKafkaAdminClient
) -> None:
    topic = Topic(_unique(), STATUS.config)
    await ensure_topics(connection, [topic])
    made = (await describe_topics(connection, [topic.name])).topics[topic.name]
    assert made.partitions == topic.partitions
    [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
    found = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert {name: found[name] for name in topic.config} == dict(topic.config)


async def test_existing_topics_are_not_changed(connection: KafkaConnection, make_topic: MakeTopic) -> None:
    name = await make_topic(partitions=2)
    before = await describe_topics(connection, [name])
    await ensure_topics(connection, [Topic(name, {}, 5)])
    assert await describe_topics(connection, [name]) == before


async def test_several_replicas_may_create_topics_concurrently(connection: KafkaConnection) -> None:
    three = [Topic(_unique()) for _ in range(3)]
    await asyncio.gather(*(ensure_topics(connection, three) for _ in range(4)))
    assert len(await topic_ids(connection, [topic.name for topic in three])) == 3


async def test_topics_of_the_service_can_be_created(connection: KafkaConnection) -> None:
    await ensure_topics(connection)
    assert set(await topic_ids(connection, [topic.name for topic in ALL_TOPICS])) == {
        topic.name for topic in ALL_TOPICS
    }


async def test_topic_that_cannot_be_created_is_named_with_the_reason(connection: KafkaConnection) -> None:
    topic = Topic(_unique(), {"retention.ms": "soon"})
    with pytest.raises(TopicsMissingError, match=topic.name) as refused:
        await ensure_topics(connection, [topic])
    assert "soon" in str(refused.value)


async def test_broker_that_has_just_started_is_unavailable(
    connection: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers before it has joined the cluster, and then lists no broker and no controller."""
    with monkeypatch.context() as fenced:
        fenced.setattr(aiokafka_private, "knows_controller", lambda _client: False)
        with pytest.raises(KafkaUnavailableError, match="no broker is active yet"):
            await ensure_topics(connection, [Topic(_unique())])

    async def empty(*_arguments: object) -> ClusterMetadata:
        return ClusterMetadata(0, {})

    monkeypatch.setattr(topics, "describe_topics", empty)
    with pytest.raises(KafkaUnavailableError, match="no broker is active yet"):
        await ensure_topics(connection, [Topic(_unique())])


async def test_describing_a_topic_does_not_create_it(connection: KafkaConnection) -> None:
    name = _unique()
    with pytest.raises(TopicsMissingError, match=name):
        await topic_ids(connection, [name])
    assert (await describe_topics(connection, [name])).topics == {}


async def test_recreated_topic_has_another_id(
    connection: KafkaConnection, make_topic: MakeTopic, admin: AIOKafkaAdminClient
) -> None:
    name = await make_topic()
    before = await topic_ids(connection, [name])
    assert await topic_ids(connection, [name]) == before
    await admin.delete_topics([name])

    async def gone() -> bool:
        return not (await describe_topics(connection, [name])).topics

    await wait_until_async(gone, 20, "the topic's end")
    await ensure_topics(connection, [Topic(name, {}, 1)])
    assert await topic_ids(connection, [name]) != before


@pytest.mark.parametrize(
    "unreachable",
    [
        KafkaConnection("127.0.0.1:1"),
        KafkaConnection("no.such.host.invalid:9092"),
    ],
)
async def test_unreachable_brokers_are_named_at_once(unreachable: KafkaConnection) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(KafkaUnavailableError, match=unreachable.bootstrap_servers):
            await ensure_topics(unreachable)


async def test_cause_of_a_failed_handshake_is_reported(kafka_bootstrap: str) -> None:
    wrong = KafkaConnection(
        kafka_bootstrap, "SASL_PLAINTEXT", "PLAIN", sasl_username="anna", sasl_password="hidden"
    )
    with pytest.raises(KafkaUnavailableError, match="Sasl") as refused:
        await topic_ids(wrong, ["any"])
    assert "hidden" not in str(refused.value)
