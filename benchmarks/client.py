"""Publishes requests to Kafka and waits until their jobs complete, as another service would."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.records import ProducerRecord, Record
from messaging.subscription import Subscription
from messaging.upload import send_file
from schemas.requests import DatabaseSource, ExcelSource, InboxFile, Source, StartRequest, dump_request
from schemas.status import Status, StatusEvent
from schemas.topics import REQUESTS

COMPLETION_TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class CompletedImports:
    """Completed jobs: seconds from publishing to the last `completed` event, and the last event of each."""

    seconds: float
    events: Sequence[StatusEvent]


@dataclass(slots=True)
class BenchmarkClient:
    """A producer and a subscription; `latencies` are seconds from `occurred_at` to the arrival of events."""

    connection: KafkaConnection
    producer: Producer
    subscription: Subscription
    latencies: list[float] = field(default_factory=list)

    async def run_imports(self, sources: Sequence[Source], **more: Any) -> CompletedImports:
        """Request imports of these sources at once and wait until all complete. Raises BenchmarkError.

        `more` are further fields of each StartRequest.
        """
        requests = {str(uuid.uuid4()): source for source in sources}
        records = [start_record(request_id, source, **more) for request_id, source in requests.items()]
        started = time.perf_counter()
        await publish(self.producer, records)
        try:
            async with asyncio.timeout(COMPLETION_TIMEOUT_SECONDS):
                events = await self._wait_completed(set(requests))
        except TimeoutError:
            names = ", ".join(source.identifier for source in sources)
            raise BenchmarkError(f"not completed after {COMPLETION_TIMEOUT_SECONDS:.0f} s: {names}") from None
        return CompletedImports(time.perf_counter() - started, events)

    async def upload_seconds(self, path: Path) -> float:
        """Seconds to upload a file through Kafka."""
        started = time.perf_counter()
        await send_file(self.connection, path, path.name)
        return time.perf_counter() - started

    async def _wait_completed(self, request_ids: set[str]) -> list[StatusEvent]:
        completed: list[StatusEvent] = []
        async for record in self.subscription:
            event = self._parse_event(record)
            if event.request_id not in request_ids:
                continue
            self.latencies.append((datetime.now(UTC) - event.occurred_at).total_seconds())
            if not event.status.terminal:
                continue
            if event.status is not Status.COMPLETED:
                raise BenchmarkError(f"{event.source_identifier} is {event.status}: {event.error}")
            completed.append(event)
            request_ids.remove(event.request_id)
            if not request_ids:
                break
        return completed

    @staticmethod
    def _parse_event(record: Record) -> StatusEvent:
        return StatusEvent.model_validate_json(record.value or b"")


@asynccontextmanager
async def connect(environment: Mapping[str, str]) -> AsyncIterator[BenchmarkClient]:
    """A client of the Kafka that the settings name."""
    connection = KafkaConnection(environment["KAFKA_BOOTSTRAP_SERVERS"])
    producer = Producer(connection, client_id="bench")
    try:
        async with await Subscription.open(connection, start="end", client_id="bench") as subscription:
            yield BenchmarkClient(connection, producer, subscription)
    finally:
        await producer.close()


def inbox_source(name: str) -> Source:
    """The source of a request: a workbook in the inbox."""
    return ExcelSource(type="excel", file=InboxFile(path=name))


def database_source(connection: str) -> Source:
    """The source of a request: the table of chats in another database."""
    return DatabaseSource(type="database", connection=connection)


def start_record(request_id: str, source: Source, **more: Any) -> ProducerRecord:
    """A start request, keyed by its id; `more` are further fields of it."""
    request = StartRequest(action="start", request_id=request_id, dataset="chats", source=source, **more)
    return ProducerRecord(REQUESTS.name, request_id.encode(), dump_request(request))


async def publish(producer: Producer, records: Sequence[ProducerRecord]) -> None:
    """Publish requests. Raises BenchmarkError when one is not acknowledged."""
    if not all(await producer.publish(records)):
        raise BenchmarkError(f"the requests could not be published: {producer.last_error}")
