"""Half a minute without Postgres or Kafka: readiness tells it in 15 s, liveness never, and all goes on."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from consumer.store.database import Database
from devstack.fakedata.workbook import make_workbook
from devstack.http_probes import ProbeRecorder
from devstack.server import Server
from devstack.service import ServiceProcess
from devstack.stack import Stack
from schemas.status import Status
from tests.support import job_factories
from tests.support.dedicated_postgres import start_dedicated_postgres
from tests.support.freeze import freeze, freeze_tree, resume_tree
from tests.support.harness import Harness
from tests.support.wait import wait_until

pytestmark = pytest.mark.serial

UNREADY_WITHIN_SECONDS = 15.0
OUTAGE_SECONDS = 30.0
RECOVERY_SECONDS = 30.0
ROWS = 20_000
SMALL_BATCHES = {"MIGRATION_BATCH_ROWS": "100"}

Step = Callable[[], None]


def survive_outage(service: ServiceProcess, what: str, begin: Step, end: Step) -> None:
    """Take something away for OUTAGE_SECONDS; the probes are asked all the time."""
    with ProbeRecorder(service) as probing:
        wait_until(lambda: probing.first_ready_after(0), 30, "a ready service")
        began = time.monotonic()
        begin()
        try:
            wait_until(
                lambda: probing.first_unready_after(began), UNREADY_WITHIN_SECONDS, f"{what} to be missed"
            )
            red = time.monotonic()
            wait_until(lambda: time.monotonic() > began + OUTAGE_SECONDS, OUTAGE_SECONDS + 5, "half a minute")
            during = [answer for answer in probing.readiness if answer.at > red]
        finally:
            ended = time.monotonic()
            end()
        wait_until(lambda: probing.first_ready_after(ended), RECOVERY_SECONDS, f"{what} to be there again")
        wait_until(
            lambda: time.monotonic() > ended + UNREADY_WITHIN_SECONDS,
            UNREADY_WITHIN_SECONDS + 5,
            "a late effect",
        )
    assert during
    assert [answer.waiting_for for answer in during if answer.waiting_for != {what}] == []
    assert [answer for answer in probing.liveness if not answer.ok] == []


@pytest.fixture
def two_harnesses(stack: Stack, tmp_path: Path) -> Iterator[list[tuple[Harness, Server]]]:
    """Two harnesses with the session's Kafka, each with a Postgres of its own."""
    with _harness(stack, tmp_path / "a") as first, _harness(stack, tmp_path / "b") as second:
        yield [first, second]


@contextmanager
def _harness(stack: Stack, folder: Path) -> Iterator[tuple[Harness, Server]]:
    folder.mkdir()
    with start_dedicated_postgres() as made:
        env = {"KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap_servers, "DATABASE_URL": made.url}
        harness = Harness(Stack("embedded", env), folder)
        yield harness, made.server
        harness.close()


def _record_job(harness: Harness, request_id: str) -> None:
    """A job without a message: two services share the group, and would share the messages."""

    async def record() -> None:
        database = await Database.open(harness.dsn)
        await job_factories.record_request(database, request_id, job_factories.make_request("long.xlsx"))
        await database.close()

    asyncio.run(record())


def _is_in_the_middle(harness: Harness, request_id: str) -> None:
    wait_until(lambda: harness.db.job(request_id)["checkpoint"], 60, "a batch to be stored")


def _run_postgres_outage(harness: Harness, begin: Step, end: Step) -> None:
    make_workbook(harness.inbox / "long.xlsx", rows=ROWS, seed=2)
    service = harness.start_replica(**SMALL_BATCHES)
    _record_job(harness, "r-1")
    _is_in_the_middle(harness, "r-1")
    survive_outage(service, "postgres", begin, end)
    wait_until(lambda: harness.db.job("r-1")["status"] == "completed", 90, "the job to be completed")
    assert harness.db.job("r-1")["total"] == ROWS
    service.stop()


def _run_kafka_outage(stack: Stack, folder: Path) -> None:
    harness = Harness(stack, folder)
    [broker] = stack.brokers
    make_workbook(harness.inbox / "long.xlsx", rows=ROWS, seed=2)
    service = harness.start_replica(**SMALL_BATCHES)
    request_id = harness.kafka.start_excel("long.xlsx")
    wait_until(lambda: harness.db.job(request_id), 30, "the job to be recorded")
    _is_in_the_middle(harness, request_id)
    try:
        survive_outage(service, "kafka", lambda: freeze(broker), broker.resume)
        assert harness.kafka.wait_for_terminal_event(request_id).status is Status.COMPLETED
    finally:
        broker.resume()
        harness.close()


def test_service_survives_30_seconds_without_postgres_or_kafka(
    two_harnesses: list[tuple[Harness, Server]], dedicated_stack: Stack, tmp_path: Path
) -> None:
    """Three services, each with its own outage at the same time."""
    (frozen, frozen_server), (stopped, stopped_server) = two_harnesses
    (tmp_path / "c").mkdir()
    with ThreadPoolExecutor() as pool:
        outages = {
            "postgres frozen": pool.submit(
                _run_postgres_outage,
                frozen,
                lambda: freeze_tree(frozen_server),
                lambda: resume_tree(frozen_server),
            ),
            "postgres stopped": pool.submit(
                _run_postgres_outage, stopped, stopped_server.stop, stopped_server.start
            ),
            "kafka frozen": pool.submit(_run_kafka_outage, dedicated_stack, tmp_path / "c"),
        }
    assert {name: outage.exception() for name, outage in outages.items() if outage.exception()} == {}
