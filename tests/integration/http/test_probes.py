"""Probes, and reads during an outage of Postgres."""

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest

from consumer.runtime.health import HealthRegistry
from consumer.store.database import READ_CONNECTIONS, Database
from tests.support.job_factories import make_pending_job
from tests.support.tcp_gate import TcpGate

UNAVAILABLE = {
    "type": "urn:chat-migration:problem:database_unavailable",
    "title": "Service Unavailable",
    "status": 503,
    "detail": "Postgres cannot be reached right now; try again in a moment.",
    "code": "database_unavailable",
    "errors": [],
}


async def test_healthz_is_200_while_tasks_make_progress(
    client: httpx.AsyncClient, health: HealthRegistry
) -> None:
    health.register("worker")
    response = await client.get("/healthz")
    assert (response.status_code, list(response.json()["tasks"])) == (200, ["worker"])


async def test_healthz_names_a_stalled_task(client: httpx.AsyncClient, health: HealthRegistry) -> None:
    health.register("worker")
    relay = health.register("relay", stall_timeout=10)
    relay._last_beat -= 11
    response = await client.get("/healthz")
    assert response.status_code == 503
    assert response.json()["detail"] == "dead, or without progress for too long: relay"
    assert response.json()["tasks"]["relay"] > 10


async def test_healthz_ignores_outage_of_postgres(client: httpx.AsyncClient, tcp_gate: TcpGate) -> None:
    await tcp_gate.drop_all()
    assert (await client.get("/healthz")).status_code == 200


async def test_readyz_is_200_when_all_checks_pass(client: httpx.AsyncClient) -> None:
    response = await client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"ready": True})


async def test_readyz_is_200_while_all_read_connections_are_in_use(
    client: httpx.AsyncClient, gated_database: Database
) -> None:
    async with AsyncExitStack() as readers:
        for _ in range(READ_CONNECTIONS):
            await readers.enter_async_context(gated_database.read_transaction())
        assert (await client.get("/readyz")).status_code == 200


async def test_readyz_names_failing_checks(
    client: httpx.AsyncClient, health: HealthRegistry, tcp_gate: TcpGate
) -> None:
    async def kafka() -> str | None:
        return "no poll for 40 s"

    health.add_readiness_check("kafka", kafka)
    await tcp_gate.drop_all()
    response = await client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["detail"] == "waiting for kafka, postgres"
    assert response.json()["waiting_for"]["kafka"] == "no poll for 40 s"
    assert "Postgres" in response.json()["waiting_for"]["postgres"]


async def test_readyz_answers_while_postgres_stalls(client: httpx.AsyncClient, tcp_gate: TcpGate) -> None:
    tcp_gate.stall()
    async with asyncio.timeout(8):
        response = await client.get("/readyz")
    assert (response.status_code, list(response.json()["waiting_for"])) == (503, ["postgres"])


@pytest.mark.parametrize("path", ["/migration/jobs", "/migration/jobs/r-1", "/migration/jobs/r-1/errors"])
@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
async def test_reads_are_503_during_outage_of_postgres_and_work_after_it(
    database: Database, client: httpx.AsyncClient, tcp_gate: TcpGate, path: str, accept: str
) -> None:
    await make_pending_job(database, "r-1")
    await tcp_gate.drop_all()
    response = await client.get(path, headers={"accept": accept})
    assert (response.status_code, response.json()) == (503, UNAVAILABLE)
    assert response.headers["retry-after"] == "2"
    await tcp_gate.open()
    assert (await client.get(path, headers={"accept": accept})).status_code == 200
