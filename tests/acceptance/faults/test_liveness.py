"""A side task that hangs or crashes is named by `/healthz` within 15 s, and restarted."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from consumer.runtime import failpoints
from consumer.store.database import Database
from devstack.fakedata.workbook import make_workbook
from devstack.http_probes import ProbeRecorder, ProbeResponse
from devstack.service import ServiceProcess
from schemas.status import Status
from tests.support import job_factories
from tests.support.harness import Harness, free_port
from tests.support.wait import wait_until

pytestmark = pytest.mark.serial

UNHEALTHY_WITHIN_SECONDS = 15.0
STABLE_SECONDS = 4.0
"""Longer than any check interval, and than the delay before a crashed task is restarted."""
LONG_LEASE = {"MIGRATION_LEASE_SECONDS": "20", "MIGRATION_HEARTBEAT_SECONDS": "2"}
"""Long enough that a stalled heartbeat is reported before its job stops by itself."""


def _first_naming(probe_recorder: ProbeRecorder, task: str) -> ProbeResponse:
    """The first time a task (or one that is called so and more) was named."""

    def named() -> ProbeResponse | None:
        return next(
            (a for a in probe_recorder.liveness if any(name.startswith(task) for name in a.stalled_tasks)),
            None,
        )

    found = wait_until(named, 90, f"{task} to be named")
    assert found
    return found


def _silence_seconds(answer: ProbeResponse, task: str) -> float:
    """How long a task had been silent when it was named: no less than it had been stuck."""
    return max((age for name, age in answer.body["tasks"].items() if name.startswith(task)), default=0.0)


def _wait_until_healthy(service: ServiceProcess, probe_recorder: ProbeRecorder) -> None:
    began = time.monotonic()

    def last_failure() -> float:
        return max((answer.at for answer in probe_recorder.liveness if not answer.ok), default=began)

    wait_until(
        lambda: time.monotonic() - last_failure() > STABLE_SECONDS,
        120,
        f"a healthy service; its log: {service.log}",
    )


@pytest.fixture
def harness_with_workbook(harness: Harness) -> Iterator[Harness]:
    """One with a workbook; no replica outlives its test."""
    make_workbook(harness.inbox / "some.xlsx", rows=500, seed=1)
    yield harness
    for replica in harness.replicas:
        replica.stop()


@pytest.fixture(scope="module")
def service_with_crashing_tasks(
    make_harness: Callable[[], Harness],
) -> Iterator[tuple[Harness, ServiceProcess, ProbeRecorder]]:
    """A service whose tasks die, beside the others of this module: without Kafka, its job without message."""
    harness = make_harness()
    make_workbook(harness.inbox / "some.xlsx", rows=500, seed=1)
    asyncio.run(_record_job(harness))
    faults = [
        "worker.poll=raise@3",
        "listener.poll=raise@3",
        "retention.started=raise",
        "relay.before_send=raise",
        "batch.committed=hang",
        "heartbeat.before=raise@2",
    ]
    environment = harness.environment(
        **failpoints.environment(";".join(faults)),
        KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_port()}",
        **LONG_LEASE,
    )
    service = ServiceProcess(environment, harness.folder / "dying.log").launch()
    wait_until(lambda: service.log_events("service.started"), 60, "a service that has begun")
    with ProbeRecorder(service) as probing:
        yield harness, service, probing
    service.stop()


async def _record_job(harness: Harness) -> None:
    database = await Database.open(harness.dsn)
    await job_factories.record_request(database, "r-1", job_factories.make_request("some.xlsx"))
    await database.close()


def _all_ended(harness: Harness, request_ids: Iterable[str]) -> bool:
    return all(
        harness.kafka.wait_for_terminal_event(request_id).status is Status.COMPLETED
        for request_id in request_ids
    )


@pytest.mark.usefixtures("service_with_crashing_tasks")
def test_stalled_tasks_are_named_within_15_seconds_and_recover(
    harness_with_workbook: Harness,
) -> None:
    harness = harness_with_workbook
    faults = [
        "worker.poll=hang@12",
        "listener.poll=hang@3",
        "retention.started=hang",
        "relay.before_send=hang",
        "intake.before_record=hang@2",
        "batch.committed=hang",
        "heartbeat.before=hang@2",
    ]
    service = harness.start_replica(**failpoints.environment(";".join(faults)), **LONG_LEASE)
    with ProbeRecorder(service) as probing:
        request_ids = [harness.kafka.start_excel("some.xlsx") for _ in range(2)]
        _first_naming(probing, "retention")  # it hangs since the start, before the first probe
        for task in ("worker", "listener", "relay", "intake", "heartbeat of job"):
            assert _silence_seconds(_first_naming(probing, task), task) < UNHEALTHY_WITHIN_SECONDS
        assert _all_ended(harness, request_ids)
        _wait_until_healthy(service, probing)
    crashed = {line["task"] for line in service.log_events("task.crashed")}
    assert crashed == {"worker", "listener", "relay", "retention"}
    assert service.log_events("heartbeat.stalled")


def test_crashed_tasks_are_named_and_restarted(
    service_with_crashing_tasks: tuple[Harness, ServiceProcess, ProbeRecorder],
) -> None:
    harness, service, probing = service_with_crashing_tasks
    for task in ("worker", "listener", "relay", "retention", "heartbeat of job"):
        _first_naming(probing, task)
    wait_until(lambda: harness.db.job("r-1")["status"] == "completed", 60, "the job to be completed")
    _wait_until_healthy(service, probing)
    crashed = {line["task"] for line in service.log_events("task.crashed")}
    assert crashed == {"worker", "listener", "relay", "retention"}
    assert service.log_events("heartbeat.crashed")
