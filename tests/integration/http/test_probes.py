"""Probes, and what people are told while Postgres is away."""

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest

from consumer.runtime.health import HealthRegistry
from consumer.store.database import READ_CONNECTIONS, Database
from tests.integration.http.tcp_gate import TcpGate
from tests.support.job_factories import make_pending_job

UNAVAILABLE = {
    "type": "urn:chat-migration:problem:database_unavailable",
    "title": "Service Unavailable",
    "status": 503,
    "detail": "Postgres cannot be reached right now; try again in a moment.",
    "code": "database_unavailable",
    "errors": [],
}


async def test_a_service_whose_tasks_report_is_alive(
    client: httpx.AsyncClient, health: HealthRegistry
) -> None:
    health.register("worker")
    answer = await client.get("/healthz")
    assert (answer.status_code, list(answer.json()["tasks"])) == (200, ["worker"])


async def test_a_service_with_a_stuck_task_is_not_and_names_it(
    client: httpx.AsyncClient, health: HealthRegistry
) -> None:
    health.register("worker")
    relay = health.register("relay", stall_timeout=10)
    relay._last_beat -= 11
    answer = await client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "dead, or without progress for too long: relay"
    assert answer.json()["tasks"]["relay"] > 10


async def test_postgres_being_away_is_no_reason_to_be_restarted(
    client: httpx.AsyncClient, tcp_gate: TcpGate
) -> None:
    await tcp_gate.drop_all()
    assert (await client.get("/healthz")).status_code == 200


async def test_a_service_that_has_all_it_needs_is_ready(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True})


async def test_a_crowd_of_readers_does_not_turn_readiness_red(
    client: httpx.AsyncClient, gated_database: Database
) -> None:
    async with AsyncExitStack() as crowd:
        for _ in range(READ_CONNECTIONS):
            await crowd.enter_async_context(gated_database.read_transaction())
        assert (await client.get("/readyz")).status_code == 200


async def test_a_service_that_waits_names_what_it_waits_for(
    client: httpx.AsyncClient, health: HealthRegistry, tcp_gate: TcpGate
) -> None:
    async def kafka() -> str | None:
        return "no poll for 40 s"

    health.add_readiness_check("kafka", kafka)
    await tcp_gate.drop_all()
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "waiting for kafka, postgres"
    assert answer.json()["waiting_for"]["kafka"] == "no poll for 40 s"
    assert "Postgres" in answer.json()["waiting_for"]["postgres"]


async def test_a_silent_postgres_does_not_keep_a_probe_waiting(
    client: httpx.AsyncClient, tcp_gate: TcpGate
) -> None:
    tcp_gate.stall()
    async with asyncio.timeout(8):
        answer = await client.get("/readyz")
    assert (answer.status_code, list(answer.json()["waiting_for"])) == (503, ["postgres"])


@pytest.mark.parametrize("path", ["/migration/jobs", "/migration/jobs/r-1", "/migration/jobs/r-1/errors"])
@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
async def test_while_postgres_is_away_people_are_told_and_then_served_again(
    database: Database, client: httpx.AsyncClient, tcp_gate: TcpGate, path: str, accept: str
) -> None:
    await make_pending_job(database, "r-1")
    await tcp_gate.drop_all()
    answer = await client.get(path, headers={"accept": accept})
    assert (answer.status_code, answer.json()) == (503, UNAVAILABLE)
    assert answer.headers["retry-after"] == "2"
    await tcp_gate.open()
    assert (await client.get(path, headers={"accept": accept})).status_code == 200
