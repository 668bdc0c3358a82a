"""Transitions: each sets its status and emits one event; Postgres rejects all others."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from consumer.errors import LeaseLostError
from consumer.lifecycle import Cancel, Complete, Fail, Requeue, Transition
from consumer.store import job_progress, transitions
from consumer.store.batch_writer import BatchWriter
from consumer.store.database import Database
from consumer.store.errors import DataRejectedError
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from schemas.status import Status
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import make_batch, make_things
from tests.support.job_factories import (
    execute,
    fetch,
    get_job,
    make_pending_job,
    make_running_job,
    outbox_events,
    snapshot,
)

REQUEUE = Requeue(timedelta(), consumes_attempt=False)


async def apply(database: Database, fencing_token: FencingToken, transition: Transition) -> Job:
    async with database.transaction() as connection:
        return await transitions.apply(connection, fencing_token.job_id, fencing_token.token, transition)


async def _store_all_rows(database: Database, fencing_token: FencingToken) -> None:
    session = await BatchWriter.open(database, fencing_token, minimal_dataset.MERGE)
    await session.write(make_batch(make_things(2, 3), rejected=[4]))
    await session.close()
    async with database.transaction() as connection:
        await job_progress.set_total(connection, fencing_token, 3)


@pytest.mark.parametrize(
    ("transition", "status"),
    [(Fail("no_rows", "none"), Status.FAILED), (Cancel(), Status.CANCELLED), (REQUEUE, Status.PENDING)],
    ids=["fail", "cancel", "requeue"],
)
async def test_leaving_running_releases_token_and_lease_with_one_event(
    database: Database, transition: Transition, status: Status
) -> None:
    _, fence = await make_running_job(database)
    after = await apply(database, fence, transition)
    assert (after.status, after.token) == (status, None)
    assert (after.completed_at is not None) is status.terminal
    assert await fetch(database, "select name from migration.leases") == []
    assert [event["status"] for event in await outbox_events(database, after.id)][2:] == [status]


async def test_job_with_all_rows_counted_is_completed(database: Database) -> None:
    _, fence = await make_running_job(database)
    await _store_all_rows(database, fence)
    after = await apply(database, fence, Complete())
    assert (after.status, after.total, after.processed, after.failed) == (Status.COMPLETED, 3, 2, 1)


@pytest.mark.parametrize("total", [None, 0, 2, 4])
async def test_short_read_is_never_completed(database: Database, total: int | None) -> None:
    _, fence = await make_running_job(database)
    await _store_all_rows(database, fence)
    await execute(database, "update migration.jobs set total = $1", total)
    before = await snapshot(database)
    with pytest.raises(DataRejectedError):
        await apply(database, fence, Complete())
    assert await snapshot(database) == before


async def test_interrupted_attempt_is_not_counted(database: Database) -> None:
    _, fence = await make_running_job(database)
    after = await apply(database, fence, REQUEUE)
    assert (after.attempt, after.consecutive_failures) == (0, 0)


async def test_consumed_attempt_is_counted_and_its_error_shown_while_pending(database: Database) -> None:
    _, fence = await make_running_job(database)
    again = Requeue(
        timedelta(seconds=5), consumes_attempt=True, code="source_unavailable", message="no answer"
    )
    after = await apply(database, fence, again)
    assert (after.attempt, after.consecutive_failures, after.error_code) == (1, 1, "source_unavailable")
    assert after.detail == "waiting for the next attempt"
    ((waits,),) = await fetch(database, "select available_at > clock_timestamp() from migration.jobs")
    assert waits is True


async def test_running_job_cannot_be_ended_without_its_token(database: Database) -> None:
    job, _ = await make_running_job(database)
    for transition in (Fail("no_rows", "none"), Cancel()):
        with pytest.raises(LeaseLostError):
            async with database.transaction() as connection:
                await transitions.apply(connection, job.id, None, transition)


async def _make_completed(database: Database) -> Job:
    _, fence = await make_running_job(database)
    await _store_all_rows(database, fence)
    return await apply(database, fence, Complete())


async def _make_failed(database: Database) -> Job:
    _, fence = await make_running_job(database)
    return await apply(database, fence, Fail("no_rows", "none"))


async def _make_cancelled(database: Database) -> Job:
    _, fence = await make_running_job(database)
    return await apply(database, fence, Cancel())


MAKE_TERMINAL = {"completed": _make_completed, "failed": _make_failed, "cancelled": _make_cancelled}
TO_PENDING = "update migration.jobs set status = 'pending', completed_at = null"
TO_RUNNING = "update migration.jobs set status = 'running', token = 99, completed_at = null"
TO_FAILED = "update migration.jobs set status = 'failed', error_code = 'x', error_message = 'y'"
TO_CANCELLED = "update migration.jobs set status = 'cancelled'"
RETRIED = f"{TO_PENDING}, run = run + 1"


FORBIDDEN_UPDATES = [
    (end, statement)
    for end in MAKE_TERMINAL
    for statement in (TO_PENDING, TO_RUNNING, TO_FAILED, TO_CANCELLED, f"{TO_PENDING}, run = 3")
    if f"'{end}'" not in statement
]


@pytest.mark.parametrize(("end", "statement"), FORBIDDEN_UPDATES)
async def test_database_constraint_keeps_terminal_state_terminal(
    database: Database, end: str, statement: str
) -> None:
    await MAKE_TERMINAL[end](database)
    with pytest.raises(DataRejectedError) as caught:
        await execute(database, statement)
    assert caught.value.sqlstate == "23514"


@pytest.mark.parametrize("end", [_make_failed, _make_cancelled], ids=["failed", "cancelled"])
async def test_new_run_may_leave_failed_and_cancelled(
    database: Database, end: Callable[[Database], Awaitable[Job]]
) -> None:
    ended = await end(database)
    await execute(database, RETRIED)
    after = await get_job(database, ended.request_id)
    assert (after.status, after.run) == (Status.PENDING, 2)


async def test_retry_cannot_leave_completed(database: Database) -> None:
    await _make_completed(database)
    with pytest.raises(DataRejectedError):
        await execute(database, RETRIED)


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
async def test_constraints_reject_contradictory_rows(database: Database, broken: str) -> None:
    await make_pending_job(database)
    with pytest.raises(DataRejectedError):
        await execute(database, f"update migration.jobs set {broken}")
