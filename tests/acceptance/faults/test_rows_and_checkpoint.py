"""I5: rows and checkpoint are one, wherever the service is killed; a crash repeats one batch at most."""

import signal

import pytest

from tests.acceptance.faults.conftest import CALM, FaultWorld
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge
from tests.support.wait import until

POINTS = [
    "claim.committed=kill",
    "child.started=kill",
    "batch.copying=kill@9",
    "batch.copied=kill@3",
    "batch.fenced=kill@3",
    "batch.merged=kill@3",
    "batch.recorded=kill@3",
    "batch.committed=kill@3",
    "settle.before=kill",
    "settle.recorded=kill",
    "settle.committed=kill",
]


def rows_are_those_up_to_the_checkpoint(world: FaultWorld, request_id: str, book: Book) -> None:
    """Postgres ends the transaction of a killed client within a moment."""
    query = """select count(*) from pg_stat_activity
        where datname = $1 and application_name like 'chat-migration%'"""
    until(lambda: world.rows.one(query, world.database) == 0, 10, "the backends of the killed to end")
    job = world.job(request_id)
    assert world.rows.directory() == book.up_to(job["checkpoint"]).rows()
    rejected = world.rows.rejected(request_id)
    assert len(rejected) == job["failed"]
    assert all(row <= job["checkpoint"] for row in rejected)


@pytest.mark.parametrize("fault", POINTS)
def test_wherever_the_service_is_killed_the_checkpoint_equals_the_rows(
    fault_world: FaultWorld, book: Book, fault: str
) -> None:
    world = fault_world
    first = world.replica(fault)
    request_id = world.ask(book)
    world.until_killed(first)
    rows_are_those_up_to_the_checkpoint(world, request_id, book)
    killed_at = world.job(request_id)

    second = world.replica(**CALM)
    world.until_status(request_id, "completed")
    resumed = second.logged("load.resumed")
    assert [one["checkpoint"] for one in resumed] == (
        [killed_at["checkpoint"]] if killed_at["fingerprint"] and killed_at["status"] == "running" else []
    )
    judge(world)


def test_a_backend_ended_in_the_middle_of_a_copy_costs_that_batch_alone(
    fault_world: FaultWorld, book: Book
) -> None:
    world = fault_world
    service = world.replica("batch.copying=stop@9", MIGRATION_LEASE_SECONDS="30")
    request_id = world.ask(book)
    world.until_frozen(service)
    ended = world.rows.ask(
        """select pg_terminate_backend(pid) from pg_stat_activity
           where datname = $1 and state = 'active' and query like 'COPY%'""",
        world.database,
    )
    assert ended == [(True,)]
    checkpoint = world.job(request_id)["checkpoint"]
    service.signal(signal.SIGCONT)
    job = world.until_status(request_id, "completed")
    assert job["attempt"] == 1
    assert [one["checkpoint"] for one in service.logged("load.resumed")] == [checkpoint]
    judge(world)
