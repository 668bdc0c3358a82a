"""Reads ranges of partitions by offset, without a consumer group: nothing is committed."""

from collections.abc import Iterable, Mapping
from typing import Literal, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from messaging import aiokafka_private
from messaging.clients import (
    CLIENT_ERRORS,
    REQUEST_TIMEOUT_SECONDS,
    close_consumer,
    common_options,
    start_client,
)
from messaging.connection import KafkaConnection
from messaging.errors import TopicsMissingError
from messaging.records import Record
from messaging.stall_detection import StallDetector, require_alive
from messaging.timeouts import call_with_deadline

START_TIMEOUT_SECONDS = 2 * REQUEST_TIMEOUT_SECONDS + 5.0
"""Two silent brokers, one after the other."""
MAX_POLL_RECORDS = 1_000
MAX_PARTITION_FETCH_BYTES = 4 * 1024 * 1024
"""Per partition and fetch: at this size, upload chunks of 512 KiB take a seventh of the round trips."""
FETCH_MAX_WAIT_MS = 50
"""A fetch that waits at the broker omits partitions just read: this bounds the delay of their events."""
POSITION_TIMEOUT_SECONDS = 5.0
POLL_GRACE_SECONDS = 30.0
"""Beyond the timeout of a poll itself; a poll that takes longer means that the reader is broken."""

Offsets = dict[int, int]
"""Partition → offset."""


class PartitionReader:
    """A started consumer that reads one topic from given offsets."""

    def __init__(self, connection: KafkaConnection, topic: str, consumer: AIOKafkaConsumer) -> None:
        self._connection = connection
        self._topic = topic
        self._consumer = consumer
        self.stall_detector = StallDetector(consumer)

    @classmethod
    async def open(
        cls,
        connection: KafkaConnection,
        topic: str,
        *,
        client_id: str,
        auto_offset_reset: Literal["none", "earliest"],
    ) -> Self:
        """Connect; raises KafkaUnavailableError.

        An offset that the log no longer has makes `poll` raise OffsetOutOfRangeError ("none"), or continue at
        the first retained one ("earliest").
        """
        consumer = AIOKafkaConsumer(
            **common_options(connection, client_id),
            enable_auto_commit=False,
            auto_offset_reset=auto_offset_reset,
            max_poll_records=MAX_POLL_RECORDS,
            max_partition_fetch_bytes=MAX_PARTITION_FETCH_BYTES,
            fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
        )
        try:
            await start_client(consumer, connection, START_TIMEOUT_SECONDS)
        except BaseException:
            await close_consumer(consumer)
            raise
        return cls(connection, topic, consumer)

    async def partition_count(self) -> int:
        """The number of partitions of the topic; raises TopicsMissingError, KafkaUnavailableError."""
        partitions = aiokafka_private.topic_partitions(self._consumer, self._topic)
        try:
            return len(await call_with_deadline(START_TIMEOUT_SECONDS, partitions))
        except UnknownTopicOrPartitionError as error:
            raise TopicsMissingError(
                f"Kafka has no topic {self._topic}: start the service once, it makes its topics."
            ) from error
        except CLIENT_ERRORS as error:
            raise self._connection.unavailable_error(error) from error

    async def offset_bounds(self, partitions: Iterable[int]) -> tuple[Offsets, Offsets]:
        """First retained offset, and end offset, by partition; raises KafkaUnavailableError."""
        wanted = [TopicPartition(self._topic, partition) for partition in partitions]
        timeout = REQUEST_TIMEOUT_SECONDS + 5.0
        try:
            first = await call_with_deadline(timeout, self._consumer.beginning_offsets(wanted))
            end = await call_with_deadline(timeout, self._consumer.end_offsets(wanted))
        except CLIENT_ERRORS as error:
            raise self._connection.unavailable_error(error) from error
        return _by_partition(first), _by_partition(end)

    def read_from(self, offsets: Offsets) -> None:
        """Read these partitions only, each from its offset."""
        self._consumer.assign([TopicPartition(self._topic, partition) for partition in offsets])
        for partition, offset in offsets.items():
            self._consumer.seek(TopicPartition(self._topic, partition), offset)

    async def poll(self, timeout: float) -> list[Record]:
        """Return records as they arrive, each partition in order; waits at most `timeout` seconds for some.

        Raises ConsumerStalledError and the library's errors. After a cancellation the reader must be closed.
        """
        poll = self._consumer.getmany(timeout_ms=max(0, int(timeout * 1000)))
        raw = await call_with_deadline(timeout + POLL_GRACE_SECONDS, poll)
        require_alive(aiokafka_private.consumer_tasks(self._consumer))
        records = [Record.from_client(record) for batch in raw.values() for record in batch]
        self.stall_detector.record_poll(raw, is_full=len(records) >= MAX_POLL_RECORDS)
        return records

    async def position(self, partition: int) -> int | None:
        """The next offset to read; None if it is not known in time."""
        try:
            position = self._consumer.position(TopicPartition(self._topic, partition))
            return int(await call_with_deadline(POSITION_TIMEOUT_SECONDS, position))
        except CLIENT_ERRORS:
            return None

    async def close(self) -> None:
        """Close the connections, within a time limit; never raises."""
        await close_consumer(self._consumer)


def _by_partition(offsets: Mapping[TopicPartition, int]) -> Offsets:
    return {partition.partition: offset for partition, offset in offsets.items()}
