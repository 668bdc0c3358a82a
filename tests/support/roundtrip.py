"""One record through Kafka, to see that a cluster works."""

import uuid

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic


async def make_topic(bootstrap: str, replication: int = 1) -> str:
    """Make a topic of one partition with a name of its own."""
    name = f"roundtrip-{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, replication)])
    finally:
        await admin.close()
    return name


async def send_record(bootstrap: str, topic: str, value: bytes) -> None:
    """Publish one record and wait until every replica in sync has it."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", request_timeout_ms=60_000)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def read_records(bootstrap: str, topic: str, count: int) -> list[bytes]:
    """The first records of the topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()
