"""I17: a side task that dies or hangs is mended or told within 15 s; `test_liveness.py` tries our own."""

import signal
from functools import partial

import pytest

from tests.acceptance.faults.conftest import CALM, FaultWorld
from tests.support.faults.books import Book
from tests.support.faults.flow import Flow
from tests.support.faults.oracle import judge
from tests.support.service import Service
from tests.support.wait import until

pytestmark = pytest.mark.alone

EVERY_SECONDS = 0.5
SEEN_SECONDS = 15
BACK_SECONDS = 30
ILLNESSES = ["fetch=hangs", "fetch=dies", "coordination=dies", "heartbeat=dies", "metadata=dies"]


def test_an_inner_task_of_the_client_library_that_dies_or_hangs_is_mended_and_no_job_notices(
    fault_world: FaultWorld, book: Book
) -> None:
    world = fault_world
    service = world.launch(module="tests.support.faults.ill", **CALM, ILLNESSES=",".join(ILLNESSES))
    service.until_ready()
    with world.rows.held("directory.chats"), Flow(world.bootstrap_servers, EVERY_SECONDS) as flow:
        asked = world.ask(book)
        until(lambda: world.job(asked).get("status") == "running", 30, "the job to run")
        for number, illness in enumerate(ILLNESSES, 1):
            service.signal(signal.SIGUSR1)
            until(lambda many=number: replaced(service) == many, SEEN_SECONDS, f"{illness} to be seen")  # type: ignore[misc]
            sent = len(flow.sent)
            until(lambda there=sent: len(flow.sent) > there + 1, 10, "more messages")  # type: ignore[misc]
            until(partial(world.job, flow.sent[-1]), BACK_SECONDS, f"messages to be taken after {illness}")
    flow.until_each_is_one_job(world.rows)
    assert world.until_status(asked, "completed")["attempt"] == 1
    judge(world)


def replaced(service: Service) -> int:
    """How often the consumer was built anew."""
    return sum(line["event"].startswith("consumer.replaced") for line in service.lines())


def test_a_job_whose_heartbeat_hangs_or_dies_stops_before_its_lease_ends(
    fault_world: FaultWorld, short_book: Book
) -> None:
    """Each job stands in its middle for ever, while the other replica waits for its lease to run out."""
    world = fault_world
    replicas = [
        world.replica(
            f"heartbeat.before={kind}@3; batch.committed=hang@2", **CALM, MIGRATION_MAX_RUNNING_JOBS="1"
        )
        for kind in ("hang", "raise")
    ]
    asked = [world.ask(short_book) for _ in replicas]
    for replica in replicas:
        [ended, *_] = until(partial(replica.logged, "job.settled"), 60, f"the job of {replica.name} to stop")
        assert ended["outcome"] == "Interrupted"
    for request_id in asked:
        assert world.until_status(request_id, "completed")["attempt"] == 1
    assert replicas[0].logged("heartbeat.hung")
    assert replicas[1].logged("heartbeat.died")
    assert not [line for replica in replicas for line in replica.logged("job.rescued")], "a lease had run out"
    judge(world)
