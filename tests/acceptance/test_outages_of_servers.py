"""Half a minute without Postgres or Kafka: readiness tells it in 15 s, liveness never, and all goes on."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.workbook import make_workbook
from consumer.store.database import Database
from devstack.server import Server
from devstack.stack import Stack
from schemas.status import Status
from tests.acceptance.conftest import World
from tests.integration.store import making
from tests.support.frozen import freeze, freeze_family, thaw_family
from tests.support.own_postgres import own_postgres
from tests.support.probing import Probing
from tests.support.service import Service
from tests.support.wait import until

pytestmark = pytest.mark.alone

RED_SECONDS = 15.0
OUTAGE_SECONDS = 30.0
BACK_SECONDS = 30.0
ROWS = 20_000
SMALL = {"MIGRATION_BATCH_ROWS": "100"}

Change = Callable[[], None]


def sit_through(service: Service, what: str, begin: Change, end: Change) -> None:
    """Take something away for OUTAGE_SECONDS; the probes are asked all the time."""
    with Probing(service) as probing:
        until(lambda: probing.ready_since(0), 30, "a ready service")
        began = time.monotonic()
        begin()
        try:
            until(lambda: probing.waits_since(began), RED_SECONDS, f"{what} to be missed")
            red = time.monotonic()
            until(lambda: time.monotonic() > began + OUTAGE_SECONDS, OUTAGE_SECONDS + 5, "half a minute")
            during = [answer for answer in probing.ready if answer.at > red]
        finally:
            ended = time.monotonic()
            end()
        until(lambda: probing.ready_since(ended), BACK_SECONDS, f"{what} to be there again")
        until(lambda: time.monotonic() > ended + RED_SECONDS, RED_SECONDS + 5, "a late effect")
    assert during
    assert [answer.waiting_for for answer in during if answer.waiting_for != {what}] == []
    assert [answer for answer in probing.alive if not answer.well] == []


@pytest.fixture
def two_postgres(stack: Stack, tmp_path: Path) -> Iterator[list[tuple[World, Server]]]:
    """Two worlds with the session's Kafka, and each with a Postgres of its own, to be broken."""
    with _world(stack, tmp_path / "a") as one, _world(stack, tmp_path / "b") as two:
        yield [one, two]


@contextmanager
def _world(stack: Stack, folder: Path) -> Iterator[tuple[World, Server]]:
    folder.mkdir()
    with own_postgres() as made:
        env = {"KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap_servers, "DATABASE_URL": made.url}
        world = World(Stack("embedded", env), folder)
        yield world, made.server
        world.close()


def _record(world: World, request_id: str) -> None:
    """A job without a message: two services share the group, and would share the messages."""

    async def record() -> None:
        database = await Database.open(world.dsn)
        await making.record(database, request_id, making.request("long.xlsx"))
        await database.close()

    asyncio.run(record())


def _in_its_middle(world: World, request_id: str) -> None:
    until(lambda: world.rows.job(request_id)["checkpoint"], 60, "a batch to be stored")


def _without_postgres(world: World, begin: Change, end: Change) -> None:
    make_workbook(world.inbox / "long.xlsx", rows=ROWS, seed=2)
    service = world.replica(**SMALL)
    _record(world, "r-1")
    _in_its_middle(world, "r-1")
    sit_through(service, "postgres", begin, end)
    until(lambda: world.rows.job("r-1")["status"] == "completed", 90, "the job to be completed")
    assert world.rows.job("r-1")["total"] == ROWS
    service.stop()


def _without_kafka(stack: Stack, folder: Path) -> None:
    world = World(stack, folder)
    [broker] = stack.brokers
    make_workbook(world.inbox / "long.xlsx", rows=ROWS, seed=2)
    service = world.replica(**SMALL)
    asked = world.line.start_excel("long.xlsx")
    until(lambda: world.rows.job(asked), 30, "the job to be recorded")
    _in_its_middle(world, asked)
    try:
        sit_through(service, "kafka", lambda: freeze(broker), broker.resume)
        assert world.line.ended(asked).status is Status.COMPLETED
    finally:
        broker.resume()
        world.close()


def test_postgres_frozen_or_stopped_and_kafka_frozen_for_30_seconds(
    two_postgres: list[tuple[World, Server]], own_stack: Stack, tmp_path: Path
) -> None:
    """Three services, each with its own outage at the same time."""
    (frozen, ice), (stopped, off) = two_postgres
    (tmp_path / "c").mkdir()
    with ThreadPoolExecutor() as pool:
        outages = {
            "postgres frozen": pool.submit(
                _without_postgres, frozen, lambda: freeze_family(ice), lambda: thaw_family(ice)
            ),
            "postgres stopped": pool.submit(_without_postgres, stopped, off.stop, off.start),
            "kafka frozen": pool.submit(_without_kafka, own_stack, tmp_path / "c"),
        }
    assert {name: outage.exception() for name, outage in outages.items() if outage.exception()} == {}
