"""A steady load: requests the same workbook again and again, so that the replicas always have jobs."""

import asyncio
import copy
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from messaging.producer import Producer
from messaging.records import ProducerRecord
from tests.acceptance.faults.outage_harness import OutageHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.kafka_client import inbox_source, start_body, to_record

POLL_SECONDS = 1.0
DATABASE_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
COUNT_ENDED_JOBS = "select count(*) from migration.jobs where status in ('completed', 'failed', 'cancelled')"
UNFINISHED_REQUESTS = "select request_id from migration.jobs where status in ('pending', 'running')"


class LoadGenerator:
    """Requests imports of a workbook, and registers with the oracle of the harness what each must report."""

    def __init__(self, harness: OutageHarness, workbook: GoldenWorkbook, queued_jobs: int) -> None:
        self._harness = harness
        self._workbook = workbook
        self._queued_jobs = queued_jobs
        self._source = inbox_source(harness.add_to_inbox(workbook))
        self._unsent: list[ProducerRecord] = []
        stored = harness.expected_directory
        directory = stored if stored.chats else workbook.expected_directory
        self._repeat_load = workbook.load_into(copy.deepcopy(directory))[1]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep `queued_jobs` requests unfinished within the block, then cancel the unfinished ones."""
        producer = Producer(self._harness.kafka.connection, client_id="recovery")
        feeder = asyncio.create_task(self._keep_queue_full(producer))
        try:
            yield
        finally:
            feeder.cancel()
            await asyncio.wait({feeder})
            await self._send(producer)
            await producer.close()
            await asyncio.to_thread(self._cancel_unfinished)

    async def _keep_queue_full(self, producer: Producer) -> None:
        while True:
            with suppress(*DATABASE_ERRORS):
                ended = await self._harness.db.fetchval_async(COUNT_ENDED_JOBS)
                self._request_imports(self._queued_jobs + ended - len(self._harness.expected_loads))
            await self._send(producer)
            await asyncio.sleep(POLL_SECONDS)

    def _request_imports(self, count: int) -> None:
        for _ in range(count):
            request_id = str(uuid.uuid4())
            self._unsent.append(to_record(start_body(request_id, self._source)))
            self._expect(request_id)

    def _expect(self, request_id: str) -> None:
        """Only the first load changes the directory, so all others have the same result, computed once."""
        harness = self._harness
        if harness.expected_directory.chats:
            harness.expected_loads[request_id] = self._repeat_load
        else:
            harness.expect_import(request_id, self._workbook)

    async def _send(self, producer: Producer) -> None:
        """Publish what is unsent; requests without an acknowledgement are sent again, under the same id."""
        acknowledged = await producer.publish(self._unsent)
        self._unsent = [record for record, sent in zip(self._unsent, acknowledged, strict=True) if not sent]

    def _cancel_unfinished(self) -> None:
        assert not self._unsent, "a request could not be sent"
        rows = self._harness.db.fetch(UNFINISHED_REQUESTS)
        self._harness.kafka.publish_all({"request_id": id_, "action": "cancel"} for (id_,) in rows)
