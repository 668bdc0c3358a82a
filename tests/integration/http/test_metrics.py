"""Metrics of the process and of the database; the latter are left out during an outage of Postgres."""

import asyncio

import httpx
import pytest

from consumer.http.routers import metrics
from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.queue_stats import QueueStats, fetch_queue_stats
from tests.support.job_factories import execute, make_pending_job, make_running_job
from tests.support.tcp_gate import TcpGate

AGE_EVENTS = "update migration.outbox set created_at = created_at - make_interval(secs => 100)"


async def _values(client: httpx.AsyncClient) -> dict[str, float]:
    response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = (line.rpartition(" ") for line in response.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


async def test_jobs_by_status_and_pending_events_with_age(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_running_job(database, "r-1")
    await make_pending_job(database, "r-2")
    await make_pending_job(database, "r-3")
    await execute(database, AGE_EVENTS)
    values = await _values(client)
    jobs = {status: values[f'chat_migration_jobs{{status="{status}"}}'] for status in ("pending", "running")}
    assert jobs == {"pending": 2, "running": 1}
    assert values['chat_migration_jobs{status="completed"}'] == 0
    assert values["chat_migration_outbox_pending_events"] == 4
    assert values["chat_migration_outbox_oldest_seconds"] == pytest.approx(100, abs=20)


async def test_empty_outbox_has_age_zero(client: httpx.AsyncClient) -> None:
    values = await _values(client)
    assert (
        values["chat_migration_outbox_pending_events"] == values["chat_migration_outbox_oldest_seconds"] == 0
    )


async def test_republished_event_has_no_age(database: Database, client: httpx.AsyncClient) -> None:
    await make_pending_job(database, "r-1")
    await execute(database, AGE_EVENTS)
    await execute(database, "update migration.outbox set resend_generation = 1")
    values = await _values(client)
    assert values["chat_migration_outbox_pending_events"] == 1
    assert values["chat_migration_outbox_oldest_seconds"] == 0


@pytest.mark.parametrize("stalled", [True, False])
async def test_metrics_of_the_process_are_available_without_postgres(
    client: httpx.AsyncClient, tcp_gate: TcpGate, monkeypatch: pytest.MonkeyPatch, *, stalled: bool
) -> None:
    monkeypatch.setattr(metrics, "CACHE_TTL", 0)
    assert "chat_migration_outbox_pending_events" in await _values(client)
    if stalled:
        tcp_gate.stall()
    else:
        await tcp_gate.drop_all()
    async with asyncio.timeout(4):
        values = await _values(client)
    assert not [name for name in values if "outbox" in name or name.startswith("chat_migration_jobs{")]


async def test_queue_stats_are_cached(
    database: Database, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pending_jobs() -> float:
        return (await _values(client))['chat_migration_jobs{status="pending"}']

    await make_pending_job(database, "r-1")
    assert await pending_jobs() == 1
    await make_pending_job(database, "r-2")
    assert [await pending_jobs() for _ in range(3)] == [1, 1, 1]
    monkeypatch.setattr(metrics, "CACHE_TTL", 0)
    assert await pending_jobs() == 2


async def test_concurrent_scrapes_share_one_timeout_while_postgres_stalls(
    tcp_gate: TcpGate, client: httpx.AsyncClient
) -> None:
    tcp_gate.stall()
    async with asyncio.timeout(2 * metrics.DATABASE_TIMEOUT):
        await asyncio.gather(*(_values(client) for _ in range(5)))


async def test_concurrent_scrapes_share_one_query(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = 0

    async def counting(connection: Connection) -> QueueStats:
        nonlocal queries
        queries += 1
        return await fetch_queue_stats(connection)

    monkeypatch.setattr(metrics, "fetch_queue_stats", counting)
    await asyncio.gather(*(_values(client) for _ in range(5)))
    assert queries == 1
