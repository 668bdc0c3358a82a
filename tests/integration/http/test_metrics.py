"""Numbers of the process and of the database; the latter are left out while Postgres is away."""

import asyncio

import httpx
import pytest

from consumer.http.routers import metrics
from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.queue_stats import QueueStats, fetch_queue_stats
from tests.integration.http.tcp_gate import TcpGate
from tests.support.job_factories import execute, make_pending_job, make_running_job

AGE_EVENTS = "update migration.outbox set created_at = created_at - make_interval(secs => 100)"


async def _values(client: httpx.AsyncClient) -> dict[str, float]:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = (line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


async def test_jobs_are_counted_by_status_and_waiting_events_with_the_age_of_the_oldest(
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


async def test_an_empty_outbox_has_no_age(client: httpx.AsyncClient) -> None:
    values = await _values(client)
    assert (
        values["chat_migration_outbox_pending_events"] == values["chat_migration_outbox_oldest_seconds"] == 0
    )


async def test_an_old_event_that_is_sent_again_does_not_look_like_a_late_one(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_pending_job(database, "r-1")
    await execute(database, AGE_EVENTS)
    await execute(database, "update migration.outbox set resend_generation = 1")
    values = await _values(client)
    assert values["chat_migration_outbox_pending_events"] == 1
    assert values["chat_migration_outbox_oldest_seconds"] == 0


@pytest.mark.parametrize("silent", [True, False])
async def test_without_postgres_the_rest_is_told_within_seconds(
    client: httpx.AsyncClient, tcp_gate: TcpGate, monkeypatch: pytest.MonkeyPatch, *, silent: bool
) -> None:
    monkeypatch.setattr(metrics, "CACHE_TTL", 0)
    assert "chat_migration_outbox_pending_events" in await _values(client)
    if silent:
        tcp_gate.stall()
    else:
        await tcp_gate.drop_all()
    async with asyncio.timeout(4):
        values = await _values(client)
    assert not [name for name in values if "outbox" in name or name.startswith("chat_migration_jobs{")]


async def test_jobs_are_counted_once_in_a_while(
    database: Database, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def waiting() -> float:
        return (await _values(client))['chat_migration_jobs{status="pending"}']

    await make_pending_job(database, "r-1")
    assert await waiting() == 1
    await make_pending_job(database, "r-2")
    assert [await waiting() for _ in range(3)] == [1, 1, 1]
    monkeypatch.setattr(metrics, "CACHE_TTL", 0)
    assert await waiting() == 2


async def test_scrapes_at_the_same_time_wait_for_one_look_while_postgres_is_silent(
    tcp_gate: TcpGate, client: httpx.AsyncClient
) -> None:
    tcp_gate.stall()
    async with asyncio.timeout(2 * metrics.DATABASE_TIMEOUT):
        await asyncio.gather(*(_values(client) for _ in range(5)))


async def test_scrapes_at_the_same_time_count_once(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def counting(connection: Connection) -> QueueStats:
        nonlocal looks
        looks += 1
        return await fetch_queue_stats(connection)

    monkeypatch.setattr(metrics, "fetch_queue_stats", counting)
    await asyncio.gather(*(_values(client) for _ in range(5)))
    assert looks == 1
