"""Changes of state: each leads where its name says and is told once; Postgres forbids the rest."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from consumer.errors import LeaseLost
from consumer.lifecycle import Cancel, Complete, Fail, PutBack, Transition
from consumer.store import loads, transitions
from consumer.store.database import Database
from consumer.store.errors import ValueRefused
from consumer.store.jobs import Job
from consumer.store.leases import Fence
from consumer.store.session import Session
from schemas.status import Status
from tests.integration.store import tiny
from tests.integration.store.making import change, events, named, pending, rows, running, snapshot
from tests.integration.store.tiny import batch, things

AGAIN = PutBack(timedelta(), burned=False)


async def apply(database: Database, fence: Fence, transition: Transition) -> Job:
    async with database.transaction() as connection:
        return await transitions.apply(connection, fence.job_id, fence.token, transition)


async def _read_whole(database: Database, fence: Fence) -> None:
    session = await Session.open(database, fence, tiny.MERGE)
    await session.store(batch(things(2, 3), rejected=[4]))
    await session.close()
    async with database.transaction() as connection:
        await loads.set_total(connection, fence, 3)


@pytest.mark.parametrize(
    ("transition", "status"),
    [(Fail("no_rows", "none"), Status.FAILED), (Cancel(), Status.CANCELLED), (AGAIN, Status.PENDING)],
    ids=["fail", "cancel", "put back"],
)
async def test_leaving_running_gives_back_token_and_lease_and_is_told_once(
    database: Database, transition: Transition, status: Status
) -> None:
    _, fence = await running(database)
    after = await apply(database, fence, transition)
    assert (after.status, after.token) == (status, None)
    assert (after.completed_at is not None) is status.terminal
    assert await rows(database, "select name from migration.leases") == []
    assert [event["status"] for event in await events(database, after.id)][2:] == [status]


async def test_a_job_whose_rows_are_all_accounted_for_is_completed(database: Database) -> None:
    _, fence = await running(database)
    await _read_whole(database, fence)
    after = await apply(database, fence, Complete())
    assert (after.status, after.total, after.processed, after.failed) == (Status.COMPLETED, 3, 2, 1)


@pytest.mark.parametrize("total", [None, 0, 2, 4])
async def test_a_short_read_is_never_completed(database: Database, total: int | None) -> None:
    _, fence = await running(database)
    await _read_whole(database, fence)
    await change(database, "update migration.jobs set total = $1", total)
    before = await snapshot(database)
    with pytest.raises(ValueRefused):
        await apply(database, fence, Complete())
    assert await snapshot(database) == before


async def test_an_interrupted_attempt_is_not_counted(database: Database) -> None:
    _, fence = await running(database)
    after = await apply(database, fence, AGAIN)
    assert (after.attempt, after.failures) == (0, 0)


async def test_a_burned_attempt_is_counted_and_its_reason_shown_while_it_waits(database: Database) -> None:
    _, fence = await running(database)
    again = PutBack(timedelta(seconds=5), burned=True, code="source_unavailable", message="no answer")
    after = await apply(database, fence, again)
    assert (after.attempt, after.failures, after.error_code) == (1, 1, "source_unavailable")
    assert after.detail == "waiting for the next attempt"
    ((waits,),) = await rows(database, "select available_at > clock_timestamp() from migration.jobs")
    assert waits is True


async def test_who_has_no_token_cannot_end_a_running_job(database: Database) -> None:
    job, _ = await running(database)
    for transition in (Fail("no_rows", "none"), Cancel()):
        with pytest.raises(LeaseLost):
            async with database.transaction() as connection:
                await transitions.apply(connection, job.id, None, transition)


async def _completed(database: Database) -> Job:
    _, fence = await running(database)
    await _read_whole(database, fence)
    return await apply(database, fence, Complete())


async def _failed(database: Database) -> Job:
    _, fence = await running(database)
    return await apply(database, fence, Fail("no_rows", "none"))


async def _cancelled(database: Database) -> Job:
    _, fence = await running(database)
    return await apply(database, fence, Cancel())


ENDS = {"completed": _completed, "failed": _failed, "cancelled": _cancelled}
TO_PENDING = "update migration.jobs set status = 'pending', completed_at = null"
TO_RUNNING = "update migration.jobs set status = 'running', token = 99, completed_at = null"
TO_FAILED = "update migration.jobs set status = 'failed', error_code = 'x', error_message = 'y'"
TO_CANCELLED = "update migration.jobs set status = 'cancelled'"
RETRIED = f"{TO_PENDING}, run = run + 1"


LEAVING = [
    (end, statement)
    for end in ENDS
    for statement in (TO_PENDING, TO_RUNNING, TO_FAILED, TO_CANCELLED, f"{TO_PENDING}, run = 3")
    if f"'{end}'" not in statement
]


@pytest.mark.parametrize(("end", "statement"), LEAVING)
async def test_postgres_itself_keeps_a_terminal_state_terminal(
    database: Database, end: str, statement: str
) -> None:
    await ENDS[end](database)
    with pytest.raises(ValueRefused) as caught:
        await change(database, statement)
    assert caught.value.sqlstate == "23514"


@pytest.mark.parametrize("end", [_failed, _cancelled], ids=["failed", "cancelled"])
async def test_a_retry_with_a_run_of_its_own_leaves_failed_and_cancelled(
    database: Database, end: Callable[[Database], Awaitable[Job]]
) -> None:
    ended = await end(database)
    await change(database, RETRIED)
    after = await named(database, ended.request_id)
    assert (after.status, after.run) == (Status.PENDING, 2)


async def test_nothing_leaves_completed_not_even_a_retry(database: Database) -> None:
    await _completed(database)
    with pytest.raises(ValueRefused):
        await change(database, RETRIED)


@pytest.mark.parametrize(
    "broken",
    [
        "processed = processed + 1",
        "inserted = inserted + 1",
        "token = 5",
        "status = 'running'",
        "completed_at = now()",
        "status = 'failed', completed_at = now()",
        "status = 'cancelled'",
        "status = 'lost'",
        "failed = -1",
        "run = 0",
    ],
)
async def test_a_row_that_contradicts_itself_is_not_stored(database: Database, broken: str) -> None:
    await pending(database)
    with pytest.raises(ValueRefused):
        await change(database, f"update migration.jobs set {broken}")
