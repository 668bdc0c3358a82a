"""I14: the same two replicas live through outages of all they lean on; nothing is lost or doubled."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from benchmarks.recovery import report
from benchmarks.recovery.measure import WELL, Plan, measure
from tests.acceptance.faults.leaning import LeaningWorld, leaning_world
from tests.support.faults import group, outages
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge
from tests.support.faults.outages import Outage
from tests.support.wait import until

JOBS = 5
"""More than both replicas run at once: some are in their middle, one waits."""
SLOW = {
    "MIGRATION_BATCH_ROWS": "60",
    "MIGRATION_LEASE_SECONDS": "6",
    "MIGRATION_HEARTBEAT_SECONDS": "1",
}
"""A lease that a busy machine does not lose, and an outage of Postgres does."""

OUTAGES: dict[str, tuple[Outage, float]] = {
    "Postgres stopped at once": (outages.postgres_gone, 10),
    "all brokers killed": (outages.brokers_gone, 5),
    "the network forgets every connection": (outages.network_forgets, 0),
    "one broker of three lost for good": (outages.broker_lost, 0),
}


@pytest.fixture(scope="module")
def leaning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LeaningWorld]:
    """Two replicas that live through all the outages of this module."""
    with leaning_world(tmp_path_factory.mktemp("leaning")) as world:
        for _ in range(2):
            world.launch(**SLOW)
        for replica in world.replicas:
            replica.until_ready()
        yield world


@pytest.mark.parametrize("outage", OUTAGES)
def test_replicas_that_live_through_an_outage_go_on_by_themselves(
    leaning: LeaningWorld, book: Book, small_book: Book, outage: str
) -> None:
    world = leaning
    begin, seconds = OUTAGES[outage]
    pids = [replica.pid for replica in world.replicas]
    asked = world.ask_often(book, JOBS)
    until(lambda: world.job(asked[0]).get("checkpoint"), 60, "the first batch")
    with begin(world):
        ends = time.monotonic() + seconds
        until(lambda: time.monotonic() > ends, seconds + 5, "the outage to last")
    asked += world.ask_often(small_book, 1)
    jobs = [world.until_status(request_id, "completed", 90) for request_id in asked]
    if begin is outages.postgres_gone:  # all owners lose it at once, and nobody takes over
        assert [job["attempt"] for job in jobs] == [1] * len(jobs), "an outage is no fault of a job"
    assert [replica.pid for replica in world.replicas if replica.running] == pids
    judge(world, going_on=True)


def test_an_outage_is_measured_from_before_it_to_after_it(leaning: LeaningWorld, book: Book) -> None:
    """What `make recovery` does for a minute each; how fast it is is not asserted here."""
    plan = Plan(seconds=10, windows=1, window_seconds=1, waiting=4)
    found = asyncio.run(measure(leaning, book, "network", plan))
    assert (found.verdict, found.same_processes) == (WELL, True)
    assert min(found.first_batch, found.first_event) > 0
    assert report.brief(found).startswith("network cut both ways")


def test_after_all_of_them_both_are_still_members_and_nothing_is_left(leaning: LeaningWorld) -> None:
    assert group.members(leaning.bootstrap_servers) == len(leaning.replicas)
    judge(leaning)
