"""Reads ranges of partitions by offset, without a group: nothing is committed, nobody is disturbed."""

from collections.abc import Iterable, Mapping
from typing import Literal, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from messaging import internals
from messaging.clients import FAILURES, REQUEST_SECONDS, close_consumer, common_options, start
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailable, TopicsMissing
from messaging.guard import within
from messaging.health import LagCheck, require_alive
from messaging.records import Record

START_SECONDS = 2 * REQUEST_SECONDS + 5.0
"""Two silent brokers, one after the other."""
MAX_POLL_RECORDS = 1_000
FETCH_BYTES = 4 * 1024 * 1024
"""Of one partition at once: chunks of half a megabyte then take a seventh of the round trips."""
FETCH_WAIT_MS = 50
"""A request that waits at the broker leaves out partitions just read: no event should wait for it longer."""
POSITION_SECONDS = 5.0
POLL_GRACE_SECONDS = 30.0
"""A poll keeps to its own timeout; should it not, the reader is of no more use."""

Offsets = dict[int, int]
"""Partition → offset."""


class Reader:
    """A started consumer that reads one topic from given offsets."""

    def __init__(self, connection: KafkaConnection, topic: str, consumer: AIOKafkaConsumer) -> None:
        self._connection = connection
        self._topic = topic
        self._consumer = consumer
        self.lag = LagCheck(consumer)

    @classmethod
    async def open(
        cls,
        connection: KafkaConnection,
        topic: str,
        *,
        client_id: str,
        lost_offset: Literal["none", "earliest"],
    ) -> Self:
        """Connect; an offset outside the log raises at `poll` ("none"), or jumps to the first one kept.

        Raises KafkaUnavailable.
        """
        consumer = AIOKafkaConsumer(
            **common_options(connection, client_id),
            enable_auto_commit=False,
            auto_offset_reset=lost_offset,
            max_poll_records=MAX_POLL_RECORDS,
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        try:
            await start(consumer, connection, START_SECONDS)
        except BaseException:
            await close_consumer(consumer)
            raise
        return cls(connection, topic, consumer)

    async def partitions(self) -> int:
        """How many partitions the topic has; raises TopicsMissing, KafkaUnavailable."""
        try:
            return len(await within(START_SECONDS, internals.partitions_of(self._consumer, self._topic)))
        except UnknownTopicOrPartitionError as error:
            raise TopicsMissing(
                f"Kafka has no topic {self._topic}: start the service once, it makes its topics."
            ) from error
        except FAILURES as error:
            raise self._unavailable(error) from error

    async def bounds(self, partitions: Iterable[int]) -> tuple[Offsets, Offsets]:
        """First offset kept, and the offset after the last, of each; raises KafkaUnavailable."""
        wanted = [TopicPartition(self._topic, partition) for partition in partitions]
        limit = REQUEST_SECONDS + 5.0
        try:
            first = await within(limit, self._consumer.beginning_offsets(wanted))
            end = await within(limit, self._consumer.end_offsets(wanted))
        except FAILURES as error:
            raise self._unavailable(error) from error
        return _by_number(first), _by_number(end)

    def read_from(self, offsets: Offsets) -> None:
        """Read these partitions, each from its offset."""
        self._consumer.assign([TopicPartition(self._topic, partition) for partition in offsets])
        for partition, offset in offsets.items():
            self._consumer.seek(TopicPartition(self._topic, partition), offset)

    async def poll(self, seconds: float) -> list[Record]:
        """Records that came, in the order of their partitions; raises Stuck and the library's errors.

        Must not be cancelled unless the reader is closed after it.
        """
        asked = self._consumer.getmany(timeout_ms=max(0, int(seconds * 1000)))
        raw = await within(seconds + POLL_GRACE_SECONDS, asked)
        require_alive(internals.reading_tasks(self._consumer))
        records = [Record.of(one) for batch in raw.values() for one in batch]
        self.lag.saw(raw, full=len(records) >= MAX_POLL_RECORDS)
        return records

    async def position(self, partition: int) -> int | None:
        """The offset that will be read next; None when that is not known now."""
        try:
            asked = self._consumer.position(TopicPartition(self._topic, partition))
            return int(await within(POSITION_SECONDS, asked))
        except FAILURES:
            return None

    async def close(self) -> None:
        """Close everything; bounded, never raises."""
        await close_consumer(self._consumer)

    def _unavailable(self, error: Exception) -> KafkaUnavailable:
        return KafkaUnavailable.at(self._connection.bootstrap_servers, [str(error) or type(error).__name__])


def _by_number(offsets: Mapping[TopicPartition, int]) -> Offsets:
    return {partition.partition: offset for partition, offset in offsets.items()}
