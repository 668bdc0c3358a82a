import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError

from messaging.connection import KafkaConnection
from messaging.errors import OffsetUnavailableError
from messaging.group_offsets import wait_until_committed
from messaging.producer import Producer
from messaging.records import ProducerRecord, RecordPosition
from tests.integration.messaging.conftest import MakeTopic

LIMIT = 20


async def commit(connection: KafkaConnection, topic: str, offset: int) -> None:
    # Closing must not commit again, at the previous position.
    options = {"bootstrap_servers": connection.bootstrap_servers, "enable_auto_commit": False}
    consumer = AIOKafkaConsumer(group_id=topic, **options)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.commit({TopicPartition(topic, 0): offset})
    finally:
        await consumer.stop()


async def test_wait_ends_when_the_group_has_committed_beyond_the_message(
    connection: KafkaConnection, make_topic: MakeTopic, producer: Producer
) -> None:
    topic = await make_topic()
    messages = [ProducerRecord(topic, None, b"0"), ProducerRecord(topic, None, b"1")]
    positions = await producer.publish_with_positions(messages)
    assert positions == [RecordPosition(0, 0), RecordPosition(0, 1)]
    waiting = asyncio.ensure_future(wait_until_committed(connection, topic, topic, RecordPosition(0, 1)))
    async with asyncio.timeout(LIMIT):
        await commit(connection, topic, 1)
        await wait_until_committed(connection, topic, topic, RecordPosition(0, 0))
        assert not waiting.done()
        await commit(connection, topic, 2)
        await waiting


async def test_group_without_permission_is_reported(
    connection: KafkaConnection, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object, **__: object) -> None:
        raise GroupAuthorizationFailedError("hidden")

    monkeypatch.setattr("messaging.group_offsets.AIOKafkaAdminClient.find_coordinator", refused)
    with pytest.raises(OffsetUnavailableError, match="DESCRIBE on the group"):
        await wait_until_committed(connection, "hidden", await make_topic(), RecordPosition(0, 0))


async def test_unknown_offset_is_reported(connection: KafkaConnection) -> None:
    with pytest.raises(OffsetUnavailableError, match="no longer knows where"):
        await wait_until_committed(connection, "any", "any", RecordPosition(0, -1))
