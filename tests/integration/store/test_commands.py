"""Cancel and retry: obeyed once each, whatever state the job is in and however often the message comes."""

import asyncio

import pytest

from consumer.lifecycle import Cancel, Complete, Fail, Transition
from consumer.store import commands, loads, transitions
from consumer.store.database import Database
from consumer.store.errors import Conflict
from consumer.store.session import Session
from schemas.requests import CancelRequest, RetryRequest
from schemas.status import Status
from tests.integration.store import tiny
from tests.integration.store.making import broken_off, change, events, expire, named, pending, rows, running
from tests.integration.store.tiny import batch, things

CANCEL = CancelRequest(action="cancel", request_id="r-1")
RETRY = RetryRequest(action="retry", request_id="r-1")
Command = CancelRequest | RetryRequest


async def obey(database: Database, command: Command, command_id: str = "c-1") -> str | None:
    """What intake does with a command, which tries again where another transaction was faster."""
    while True:
        try:
            async with database.transaction() as connection:
                return await commands.obey(connection, command_id, command)
        except Conflict:
            continue


ENDS: dict[Status, Transition] = {
    Status.COMPLETED: Complete(),
    Status.FAILED: Fail("no_rows", "none"),
    Status.CANCELLED: Cancel(),
}


async def _ended(database: Database, status: Status) -> None:
    """A job that came to that end, with a batch stored on the way."""
    _, fence = await running(database)
    session = await Session.open(database, fence, tiny.MERGE)
    await session.store(batch(things(2)))
    await session.close()
    async with database.transaction() as connection:
        await loads.set_total(connection, fence, 1)
        await transitions.apply(connection, fence.job_id, fence.token, ENDS[status])
    await change(database, "update migration.outbox set published_at = clock_timestamp()")


async def _asked_again(database: Database) -> list[int]:
    """Sequences of the events that wait to be sent again."""
    query = "select sequence from migration.outbox where published_at is null and sends > 0 order by id"
    return [sequence for (sequence,) in await rows(database, query)]


async def test_a_waiting_job_is_cancelled_on_the_spot(database: Database) -> None:
    job = await pending(database)
    assert await obey(database, CANCEL) is None
    assert (await named(database, "r-1")).status is Status.CANCELLED
    assert [event["status"] for event in await events(database, job.id)] == ["pending", "cancelled"]


async def test_of_a_job_that_runs_the_owner_is_told(database: Database) -> None:
    job, fence = await running(database)
    assert await obey(database, CANCEL) is None
    after = await named(database, "r-1")
    assert (after.status, after.cancel_requested, after.token) == (Status.RUNNING, True, fence.token)
    assert len(await events(database, job.id)) == 2


async def test_a_job_whose_lease_ran_out_is_cancelled_on_the_spot(database: Database) -> None:
    job, _ = await running(database)
    await expire(database, job.id)
    assert await obey(database, CANCEL) is None
    assert (await named(database, "r-1")).status is Status.CANCELLED
    assert await rows(database, "select * from migration.leases") == []


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
async def test_there_is_nothing_to_cancel_in_a_job_that_ended(database: Database, status: Status) -> None:
    await _ended(database, status)
    before = await named(database, "r-1")
    assert (await obey(database, CANCEL) or "").startswith(f"it is {status} already")
    assert (await named(database, "r-1")).sequence == before.sequence
    assert await _asked_again(database) == [before.sequence]


@pytest.mark.parametrize("command", [CANCEL, RETRY], ids=["cancel", "retry"])
async def test_an_unknown_request_id_is_refused(database: Database, command: Command) -> None:
    assert await obey(database, command) == "there is no migration with request id r-1"
    assert await rows(database, "select count(*) from migration.outbox") == [(0,)]


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
async def test_a_retry_is_a_new_run_that_goes_on_from_the_checkpoint(
    database: Database, status: Status
) -> None:
    await _ended(database, status)
    before = await named(database, "r-1")
    assert await obey(database, RETRY) is None
    after = await named(database, "r-1")
    assert (after.status, after.run, after.attempt, after.failures) == (Status.PENDING, 2, 0, 0)
    assert (after.error_code, after.completed_at, after.run_started_at) == (None, None, None)
    assert (after.checkpoint, after.processed, after.started_at) == (2, 1, before.started_at)
    assert after.sequence == before.sequence + 1
    assert (await events(database, after.id))[-1]["run"] == 2


async def test_a_retry_tries_rows_again_that_postgres_refused_behind_the_checkpoint(
    database: Database,
) -> None:
    """Whatever was added to the tables may be gone again; those before it are stored as rejected."""
    _, fence = await running(database)
    session = await Session.open(database, fence, tiny.MERGE)
    await session.store(batch(things(2)))
    await session.close()
    async with database.transaction() as connection:
        await loads.refuse(connection, fence, {1: "23514", 2: "23514", 3: "23514", 9: "23514"})
        await transitions.apply(connection, fence.job_id, fence.token, Fail("database_refused", "why"))
    assert (await named(database, "r-1")).checkpoint == 2
    assert await obey(database, RETRY) is None
    assert await rows(database, "select row_number from migration.refused_rows order by 1") == [(1,), (2,)]


async def test_a_retry_without_a_checkpoint_tries_all_rows_again(database: Database) -> None:
    _, fence = await running(database)
    async with database.transaction() as connection:
        await loads.refuse(connection, fence, {-5: "23514", 3: "23514"})
        await transitions.apply(connection, fence.job_id, fence.token, Fail("database_refused", "why"))
    assert await obey(database, RETRY) is None
    assert await rows(database, "select row_number from migration.refused_rows") == []


async def test_a_retry_forgets_the_wish_to_cancel_the_run_before(database: Database) -> None:
    _, fence = await running(database)
    await obey(database, CANCEL, "c-1")
    async with database.transaction() as connection:
        await transitions.apply(connection, fence.job_id, fence.token, Cancel())
    assert await obey(database, RETRY, "c-2") is None
    assert (await named(database, "r-1")).cancel_requested is False


@pytest.mark.parametrize("state", [Status.PENDING, Status.RUNNING, Status.COMPLETED])
async def test_only_failed_and_cancelled_jobs_can_be_retried(database: Database, state: Status) -> None:
    match state:
        case Status.PENDING:
            await pending(database)
        case Status.RUNNING:
            await running(database)
        case _:
            await _ended(database, state)
    before = await named(database, "r-1")
    assert (await obey(database, RETRY) or "").startswith(f"it is {state}")
    after = await named(database, "r-1")
    assert (after.status, after.run, after.sequence) == (state, 1, before.sequence)
    assert await _asked_again(database) == [before.sequence]


async def test_a_command_delivered_twice_acts_once(database: Database) -> None:
    await _ended(database, Status.FAILED)
    assert await obey(database, RETRY) is None
    await obey(database, CANCEL, "c-2")
    assert await obey(database, RETRY) is None
    after = await named(database, "r-1")
    assert (after.status, after.run) == (Status.CANCELLED, 2)


async def test_a_command_delivered_many_times_at_once_acts_once(
    database: Database, neighbour: Database
) -> None:
    await _ended(database, Status.FAILED)
    answers = await asyncio.gather(*(obey((database, neighbour)[n % 2], RETRY) for n in range(20)))
    assert answers == [None] * 20
    assert (await named(database, "r-1")).run == 2
    assert await rows(database, "select command_id, obeyed from migration.commands") == [("c-1", True)]


async def test_of_many_retries_at_once_one_is_obeyed(database: Database) -> None:
    await _ended(database, Status.FAILED)
    answers = await asyncio.gather(*(obey(database, RETRY, f"c-{n}") for n in range(10)))
    assert answers.count(None) == 1
    assert (await named(database, "r-1")).run == 2


async def test_an_unknown_command_delivered_many_times_at_once_is_refused_each_time(
    database: Database, neighbour: Database
) -> None:
    answers = await asyncio.gather(*(obey((database, neighbour)[n % 2], CANCEL) for n in range(10)))
    assert set(answers) == {"there is no migration with request id r-1"}


async def test_a_command_that_was_refused_does_not_act_when_it_comes_again_later(database: Database) -> None:
    await pending(database)
    assert await obey(database, RETRY) is not None
    await obey(database, CANCEL, "c-2")
    assert "send it as a new command" in (await obey(database, RETRY) or "")
    assert (await named(database, "r-1")).run == 1


@pytest.mark.parametrize(
    "other",
    [CancelRequest(action="cancel", request_id="r-2"), RetryRequest(action="retry", request_id="r-1")],
    ids=["request", "action"],
)
async def test_a_command_id_that_was_used_for_another_command_is_refused(
    database: Database, other: Command
) -> None:
    await pending(database, "r-1")
    await pending(database, "r-2")
    assert await obey(database, CANCEL) is None
    assert "used for another command" in (await obey(database, other) or "")
    assert (await named(database, "r-2")).status is Status.PENDING
    assert (await named(database, "r-1")).run == 1


async def test_a_command_and_its_memory_are_one_transaction(database: Database) -> None:
    await pending(database)
    async with broken_off(database) as connection:
        await commands.obey(connection, "c-1", CANCEL)
    assert await rows(database, "select * from migration.commands") == []
    assert (await named(database, "r-1")).status is Status.PENDING
