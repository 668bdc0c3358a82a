"""A task that hangs or dies is told by name within 15 s, and mended, whichever it is."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from benchmarks.workbook import make_workbook
from consumer.store.database import Database
from schemas.status import Status
from tests.acceptance.conftest import World, free_port
from tests.integration.store import making
from tests.support.probing import Answer, Probing
from tests.support.service import Service
from tests.support.wait import until

pytestmark = pytest.mark.alone

RED_SECONDS = 15.0
STEADY_SECONDS = 4.0
"""Longer than between two looks at anything, and than a task that died waits before it is begun anew."""
PATIENT = {"MIGRATION_LEASE_SECONDS": "20", "MIGRATION_HEARTBEAT_SECONDS": "2"}
"""With leases like these a heartbeat is told before its job ends itself."""


def _named(probing: Probing, task: str) -> Answer:
    """The first time a task (or one that is called so and more) was named."""

    def named() -> Answer | None:
        return next((a for a in probing.alive if any(one.startswith(task) for one in a.stuck)), None)

    found = until(named, 90, f"{task} to be named")
    assert found
    return found


def _silent_for(answer: Answer, task: str) -> float:
    """How long a task had been silent when it was named: no less than it had been stuck."""
    return max((age for name, age in answer.body["tasks"].items() if name.startswith(task)), default=0.0)


def _well_again(service: Service, probing: Probing) -> None:
    began = time.monotonic()

    def ill() -> float:
        return max((answer.at for answer in probing.alive if not answer.well), default=began)

    until(lambda: time.monotonic() - ill() > STEADY_SECONDS, 120, f"a well service; its log: {service.log}")


@pytest.fixture
def world_with_work(world: World) -> Iterator[World]:
    """One with a workbook; no replica outlives its test."""
    make_workbook(world.inbox / "some.xlsx", rows=500, seed=1)
    yield world
    for replica in world.replicas:
        replica.stop()


@pytest.fixture(scope="module")
def dying(make_world: Callable[[], World]) -> Iterator[tuple[World, Service, Probing]]:
    """A service whose tasks die, beside the others of this module: without Kafka, its job without message."""
    world = make_world()
    make_workbook(world.inbox / "some.xlsx", rows=500, seed=1)
    asyncio.run(_record(world))
    faults = [
        "worker.round=raise@3",
        "listener.round=raise@3",
        "retention.begun=raise",
        "relay.before_send=raise",
        "batch.committed=hang",
        "heartbeat.before=raise@2",
    ]
    environment = world.environment(
        MIGRATION_FAULTS=";".join(faults), KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_port()}", **PATIENT
    )
    service = Service(environment, world.folder / "dying.log").launch()
    until(lambda: service.logged("service.started"), 60, "a service that has begun")
    with Probing(service) as probing:
        yield world, service, probing
    service.stop()


async def _record(world: World) -> None:
    database = await Database.open(world.dsn)
    await making.record(database, "r-1", making.request("some.xlsx"))
    await database.close()


def _all_ended(world: World, requests: Iterable[str]) -> bool:
    return all(world.line.ended(one).status is Status.COMPLETED for one in requests)


@pytest.mark.usefixtures("dying")
def test_whatever_hangs_is_named_within_15_seconds_and_goes_on_by_itself(world_with_work: World) -> None:
    world = world_with_work
    faults = [
        "worker.round=hang@12",
        "listener.round=hang@3",
        "retention.begun=hang",
        "relay.before_send=hang",
        "intake.before_record=hang@2",
        "batch.committed=hang",
        "heartbeat.before=hang@2",
    ]
    service = world.replica(MIGRATION_FAULTS=";".join(faults), **PATIENT)
    with Probing(service) as probing:
        asked = [world.line.start_excel("some.xlsx") for _ in range(2)]
        _named(probing, "retention")  # since the start, when nobody looked yet
        for task in ("worker", "listener", "relay", "intake", "heartbeat of job"):
            assert _silent_for(_named(probing, task), task) < RED_SECONDS
        assert _all_ended(world, asked)
        _well_again(service, probing)
    died = {line["task"] for line in service.logged("task.died")}
    assert died == {"worker", "listener", "relay", "retention"}
    assert service.logged("heartbeat.hung")


def test_whatever_dies_is_named_at_once_and_goes_on_by_itself(dying: tuple[World, Service, Probing]) -> None:
    world, service, probing = dying
    for task in ("worker", "listener", "relay", "retention", "heartbeat of job"):
        _named(probing, task)
    until(lambda: world.rows.job("r-1")["status"] == "completed", 60, "the job to be completed")
    _well_again(service, probing)
    died = {line["task"] for line in service.logged("task.died")}
    assert died == {"worker", "listener", "relay", "retention"}
    assert service.logged("heartbeat.died")
