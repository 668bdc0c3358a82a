"""A steady load: the same workbook asked for again and again, so that the replicas never run out of jobs."""

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
    """Asks for a workbook in a world. The oracle knows what each request has to come to."""

    def __init__(self, world: OutageHarness, workbook: GoldenWorkbook, queued_jobs: int) -> None:
        self._world = world
        self._workbook = workbook
        self._queued_jobs = queued_jobs
        self._source = inbox_source(world.add_to_inbox(workbook))
        self._unsent: list[ProducerRecord] = []
        known = world.expected_directory if world.expected_directory.chats else workbook.expected_directory
        self._repeat_load = workbook.load_into(copy.deepcopy(known))[1]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Within, so many requests wait all the time; at the end what is left is cancelled."""
        producer = Producer(self._world.kafka.connection, client_id="recovery")
        feeding = asyncio.create_task(self._keep_queue_full(producer))
        try:
            yield
        finally:
            feeding.cancel()
            await asyncio.wait({feeding})
            await self._send(producer)
            await producer.close()
            await asyncio.to_thread(self._cancel_unfinished)

    async def _keep_queue_full(self, producer: Producer) -> None:
        while True:
            with suppress(*DATABASE_ERRORS):
                ended = await self._world.db.fetchval_async(COUNT_ENDED_JOBS)
                self._request_imports(self._queued_jobs + ended - len(self._world.expected_loads))
            await self._send(producer)
            await asyncio.sleep(POLL_SECONDS)

    def _request_imports(self, count: int) -> None:
        for _ in range(count):
            request_id = str(uuid.uuid4())
            self._unsent.append(to_record(start_body(request_id, self._source)))
            self._expect(request_id)

    def _expect(self, request_id: str) -> None:
        """The reference is read once for a first load and once for all others: they change nothing."""
        world = self._world
        if world.expected_directory.chats:
            world.expected_loads[request_id] = self._repeat_load
        else:
            world.expect_import(request_id, self._workbook)

    async def _send(self, producer: Producer) -> None:
        """What has no answer is sent again: a request that arrives twice starts nothing."""
        answers = await producer.publish(self._unsent)
        self._unsent = [one for one, sent in zip(self._unsent, answers, strict=True) if not sent]

    def _cancel_unfinished(self) -> None:
        assert not self._unsent, "a request could not be sent"
        world = self._world
        left = [request_id for (request_id,) in world.db.fetch(UNFINISHED_REQUESTS)]
        world.kafka.publish_all({"request_id": one, "action": "cancel"} for one in left)
