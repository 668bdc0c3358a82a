"""Following a job over HTTP through the end of the replica that it is followed on."""

import asyncio
import signal
import time

import httpx

from consumer.store import requests
from consumer.store.database import Database
from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from tests.support.event_replica import change_job
from tests.support.harness import Harness
from tests.support.job_factories import LIMITS, get_job, make_request
from tests.support.sse_client import SseClient
from tests.support.wait import wait_until_async

DRAIN_ENDS_STREAMS_SECONDS = 1.0
NOTIFIED_SECONDS = 0.25
"""In the median. By the poll alone it would be half a second."""


def _client(service: ServiceProcess) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=service.url, timeout=30, trust_env=False)


async def test_http_events_equal_kafka_events_across_drain(harness: Harness) -> None:
    make_workbook(harness.inbox / "followed.xlsx", rows=60_000, seed=5)
    first, second = [
        await asyncio.to_thread(harness.start_replica, MIGRATION_BATCH_ROWS="500") for _ in range(2)
    ]
    request_id = await asyncio.to_thread(harness.kafka.start_excel, "followed.xlsx")
    path = f"/migration/jobs/{request_id}/events"
    async with _client(first) as client:

        async def recorded() -> bool:
            return (await client.get(f"/migration/jobs/{request_id}")).status_code == 200

        await wait_until_async(recorded, 60, "the job to be recorded")
        async with SseClient(client, path, last_event_id=0) as before:
            await before.wait_until(lambda: len(before.events) >= 3, "some events", 60)
            begun = time.perf_counter()
            first.signal(signal.SIGTERM)
            await before.wait_for_end(5)
            assert time.perf_counter() - begun < DRAIN_ENDS_STREAMS_SECONDS
    async with (
        _client(second) as client,
        SseClient(client, path, last_event_id=before.sequences[-1]) as after,
    ):
        assert "events" in (await client.get("/healthz")).json()["tasks"]
        await after.wait_for_end(120)
        response = await client.get(path, headers={"last-event-id": str(after.sequences[-1])})
        assert response.status_code == 204
    on_kafka = await asyncio.to_thread(harness.kafka.events, request_id, lambda event: event.status.terminal)
    unique = {event.sequence: str(event.event_id) for event in on_kafka}
    over_http = {event.sequence: event.data["event_id"] for event in before.events + after.events}
    assert over_http == unique
    assert before.sequences + after.sequences == list(range(1, len(unique) + 1))
    assert after.events[-1].data["status"] == "completed"
    assert await asyncio.to_thread(first.wait) == 0
    for replica in (first, second):
        wrong = [
            line
            for line in replica.log_lines()
            if line["level"] == "error" or line["event"] == "task.crashed"
        ]
        assert [line for line in wrong if not line["logger"].startswith("aiokafka")] == []


async def _waiting_job(database: Database, request_id: str) -> int:
    """A job that no worker takes for a day; its number."""
    async with database.transaction() as connection:
        await requests.record(connection, request_id, make_request(), LIMITS, None)
        later = "update migration.jobs set available_at = now() + interval '1 day' where request_id = $1"
        await connection.execute(later, request_id)
    return (await get_job(database, request_id)).id


async def test_notifications_reach_sse_clients_quickly(harness: Harness) -> None:
    service = await asyncio.to_thread(harness.start_replica)
    database = await Database.open(harness.dsn)
    job_id = await _waiting_job(database, "waiting")
    committed: dict[int, float] = {}
    async with _client(service) as client, SseClient(client, f"/migration/jobs/{job_id}/events") as stream:
        await stream.wait_for_event(1)
        for sequence in range(2, 22):
            committed[sequence] = await change_job(database, job_id)
            await stream.wait_for_event(sequence)
    waits = sorted(event.at - committed[event.sequence] for event in stream.events[1:])
    assert waits[len(waits) // 2] < NOTIFIED_SECONDS, waits
    await database.close()
