"""A group consumer that runs beside a test and remembers what its handler took."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from messaging.connection import KafkaConnection
from messaging.consumer import GroupConsumer
from messaging.records import Record
from tests.support.wait import wait_until_async

TIMEOUT_SECONDS = 60.0

Handler = Callable[[Record], Awaitable[None]]
SliceHandler = Callable[[Sequence[Record]], Awaitable[None]]


class TrackedConsumer(AIOKafkaConsumer):  # type: ignore[misc] # the library has no types
    """Remembers its instances, for tests that cancel inner tasks or count consumers."""

    instances: ClassVar[list["TrackedConsumer"]] = []

    def __init__(self, *topics: str, **options: object) -> None:
        super().__init__(*topics, **options)
        TrackedConsumer.instances.append(self)


class RecordingConsumer:
    """What one member of a group took so far; `before` may raise to refuse records."""

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        group_id: str,
        before_record: Handler | None = None,
        before_slice: SliceHandler | None = None,
    ) -> None:
        """With `before_slice` records are taken in slices where that does not raise."""
        self._before_slice = before_slice
        self.records: list[Record] = []
        self.stop = asyncio.Event()
        self._before_record = before_record
        self.last_progress = time.monotonic()
        """When the consumer last called its heartbeat."""
        self.consumer = GroupConsumer(
            connection,
            topics=[topic],
            group_id=group_id,
            client_id="test",
            handle=self._handle,
            handle_slice=self._handle_slice if before_slice else None,
            heartbeat=self._record_progress,
        )

    def _record_progress(self) -> None:
        self.last_progress = time.monotonic()

    async def _handle(self, record: Record) -> None:
        if self._before_record:
            await self._before_record(record)
        self.records.append(record)

    async def _handle_slice(self, records: Sequence[Record]) -> None:
        assert self._before_slice
        await self._before_slice(records)
        self.records += records

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Consume within; afterwards it has left the group."""
        running = asyncio.ensure_future(self.consumer.run(self.stop))
        try:
            yield self
        finally:
            self.stop.set()
            await asyncio.wait_for(running, TIMEOUT_SECONDS)

    @property
    def values(self) -> list[int]:
        """The values taken, as numbers, in the order they were taken."""
        return [int(record.value or b"") for record in self.records]

    async def wait_for(self, values: Sequence[int], seconds: float = TIMEOUT_SECONDS) -> None:
        """Wait until all these were taken at least once."""

        async def arrived() -> bool:
            return set(values) <= set(self.values)

        await wait_until_async(arrived, seconds, f"{len(values)} records")


async def committed_offset(
    connection: KafkaConnection, topic: str, group_id: str, partition: int = 0
) -> int | None:
    """The offset that a group has committed."""
    consumer = AIOKafkaConsumer(**connection.options(), group_id=group_id, enable_auto_commit=False)
    await consumer.start()
    try:
        offset: int | None = await consumer.committed(TopicPartition(topic, partition))
        return offset
    finally:
        await consumer.stop()
