"""What other producers may do: compress, and abort transactions."""

import gzip
import uuid

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from messaging import stall_detection
from messaging.connection import KafkaConnection
from messaging.topics import ensure_topics
from schemas.topics import REQUESTS, UPLOADS, Topic
from tests.integration.messaging.conftest import MakeTopic, Publish
from tests.support.recording_consumer import RecordingConsumer, TrackedConsumer
from tests.support.wait import wait_until_async


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_compressed_messages_are_read(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    group_id: str,
    codec: str,
    tracked_consumers: list[TrackedConsumer],
) -> None:
    """On a topic that keeps the codec of the producer, as one created by hand may."""
    topic = await make_topic()
    async with AIOKafkaProducer(**connection.options(), compression_type=codec) as sender:
        for number in range(10):
            await sender.send_and_wait(topic, b"%d" % number)
    async with RecordingConsumer(connection, topic, group_id).running() as consuming:
        await consuming.wait_for(range(10))
    assert len(tracked_consumers) == 1


@pytest.mark.parametrize("model", [REQUESTS, UPLOADS])
async def test_message_too_large_when_decompressed_is_rejected(
    connection: KafkaConnection, model: Topic
) -> None:
    """A megabyte of gzip may hold a gigabyte, which every reader would have to decompress."""
    topic = Topic(f"test.{uuid.uuid4().hex}", model.config, partitions=1)
    await ensure_topics(connection, [topic])
    large = b"x" * 3_000_000
    assert len(gzip.compress(large)) < 10_000
    options = {"compression_type": "gzip", "max_request_size": 4_000_000, "max_batch_size": 4_000_000}
    async with AIOKafkaProducer(**connection.options(), **options) as sender:
        with pytest.raises(MessageSizeTooLargeError):
            await sender.send_and_wait(topic.name, large)


async def test_records_of_aborted_transactions_are_not_delivered(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    tracked_consumers: list[TrackedConsumer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stall_detection, "CHECK_INTERVAL_SECONDS", 0.5)
    topic = await make_topic()
    async with AIOKafkaProducer(**connection.options(), transactional_id=uuid.uuid4().hex) as sender:
        await sender.begin_transaction()
        await sender.send_and_wait(topic, b"1")
        await sender.abort_transaction()
        async with sender.transaction():
            await sender.send_and_wait(topic, b"2")
    async with RecordingConsumer(connection, topic, group_id).running() as consuming:
        await consuming.wait_for([2])
        seen = consuming.last_progress

        async def polled_on() -> bool:  # the marker that ends the transaction is no record
            return consuming.last_progress > seen + 4

        await wait_until_async(polled_on, 30, "a few polls")
        await publish(topic, 1, first=3)
        await consuming.wait_for([3])
    assert consuming.values == [2, 3]
    assert len(tracked_consumers) == 1
