"""The id of a topic is requested once a minute; a recreated topic has its new id after that."""

from aiokafka.admin import AIOKafkaAdminClient

from messaging.connection import KafkaConnection
from messaging.metadata import TOPIC_ID_TTL_SECONDS, CachedTopicId, describe_topics, topic_ids
from messaging.topics import ensure_topics
from schemas.topics import Topic
from tests.integration.messaging.conftest import MakeTopic
from tests.support.wait import wait_until_async


async def _recreate_topic(connection: KafkaConnection, name: str) -> str:
    client = AIOKafkaAdminClient(**connection.options())
    await client.start()
    await client.delete_topics([name])
    await client.close()

    async def gone() -> bool:
        return not (await describe_topics(connection, [name])).topics

    await wait_until_async(gone, 30, "the topic to go")
    await ensure_topics(connection, [Topic(name, {}, 1)])
    return (await topic_ids(connection, [name]))[name]


async def test_topic_id_is_cached_for_a_minute(connection: KafkaConnection, make_topic: MakeTopic) -> None:
    name, now = await make_topic(), [1000.0]
    topic_id = CachedTopicId(connection, name, lambda: now[0])
    old = await topic_id()
    new = await _recreate_topic(connection, name)
    assert new != old
    now[0] += TOPIC_ID_TTL_SECONDS - 1
    assert await topic_id() == old
    now[0] += 1
    assert await topic_id() == new
