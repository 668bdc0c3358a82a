"""Cancel and retry act once, in every state of the job and however often they are delivered."""

import asyncio

import pytest

from consumer.lifecycle import Cancel, Complete, Fail, Transition
from consumer.store import commands, database_rejections, job_progress, transitions
from consumer.store.batch_writer import BatchWriter
from consumer.store.database import Database
from consumer.store.errors import TransactionConflictError
from schemas.requests import CancelRequest, RetryRequest
from schemas.status import Status
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import make_batch, make_things
from tests.support.job_factories import (
    execute,
    expire_lease,
    fetch,
    get_job,
    make_pending_job,
    make_running_job,
    outbox_events,
    rolled_back,
)

CANCEL = CancelRequest(action="cancel", request_id="r-1")
RETRY = RetryRequest(action="retry", request_id="r-1")
Command = CancelRequest | RetryRequest


async def apply_command(database: Database, command: Command, command_id: str = "c-1") -> str | None:
    """Apply a command as intake does, which retries after a conflict."""
    while True:
        try:
            async with database.transaction() as connection:
                return await commands.apply_command(connection, command_id, command)
        except TransactionConflictError:
            continue


TERMINAL_TRANSITIONS: dict[Status, Transition] = {
    Status.COMPLETED: Complete(),
    Status.FAILED: Fail("no_rows", "none"),
    Status.CANCELLED: Cancel(),
}


async def _make_ended_job(database: Database, status: Status) -> None:
    """A job that ended with this transition, after storing a batch."""
    _, fence = await make_running_job(database)
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    await session.write(make_batch(make_things(2)))
    await session.close()
    async with database.transaction() as connection:
        await job_progress.set_total(connection, fence, 1)
        await transitions.apply(connection, fence.job_id, fence.token, TERMINAL_TRANSITIONS[status])
    await execute(database, "update migration.outbox set published_at = clock_timestamp()")


async def _resent_sequences(database: Database) -> list[int]:
    """Sequences of the events to be resent."""
    query = """select sequence from migration.outbox
               where published_at is null and resend_generation > 0 order by id"""
    return [sequence for (sequence,) in await fetch(database, query)]


async def test_pending_job_is_cancelled_at_once(database: Database) -> None:
    job = await make_pending_job(database)
    assert await apply_command(database, CANCEL) is None
    assert (await get_job(database, "r-1")).status is Status.CANCELLED
    assert [event["status"] for event in await outbox_events(database, job.id)] == ["pending", "cancelled"]


async def test_owner_of_a_running_job_is_notified_of_a_cancel(database: Database) -> None:
    job, fence = await make_running_job(database)
    assert await apply_command(database, CANCEL) is None
    after = await get_job(database, "r-1")
    assert (after.status, after.cancel_requested, after.token) == (Status.RUNNING, True, fence.token)
    assert len(await outbox_events(database, job.id)) == 2


async def test_job_with_an_expired_lease_is_cancelled_at_once(database: Database) -> None:
    job, _ = await make_running_job(database)
    await expire_lease(database, job.id)
    assert await apply_command(database, CANCEL) is None
    assert (await get_job(database, "r-1")).status is Status.CANCELLED
    assert await fetch(database, "select * from migration.leases") == []


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
async def test_cancel_of_a_finished_job_is_rejected(database: Database, status: Status) -> None:
    await _make_ended_job(database, status)
    before = await get_job(database, "r-1")
    assert (await apply_command(database, CANCEL) or "").startswith(f"it is {status} already")
    assert (await get_job(database, "r-1")).sequence == before.sequence
    assert await _resent_sequences(database) == [before.sequence]


@pytest.mark.parametrize("command", [CANCEL, RETRY], ids=["cancel", "retry"])
async def test_unknown_request_id_is_rejected(database: Database, command: Command) -> None:
    assert await apply_command(database, command) == "there is no migration with request id r-1"
    assert await fetch(database, "select count(*) from migration.outbox") == [(0,)]


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
async def test_retry_is_a_new_run_from_the_checkpoint(database: Database, status: Status) -> None:
    await _make_ended_job(database, status)
    before = await get_job(database, "r-1")
    assert await apply_command(database, RETRY) is None
    after = await get_job(database, "r-1")
    assert (after.status, after.run, after.attempt, after.consecutive_failures) == (Status.PENDING, 2, 0, 0)
    assert (after.error_code, after.completed_at, after.run_started_at) == (None, None, None)
    assert (after.checkpoint, after.processed, after.started_at) == (2, 1, before.started_at)
    assert after.sequence == before.sequence + 1
    assert (await outbox_events(database, after.id))[-1]["run"] == 2


async def test_retry_retries_database_rejections_after_the_checkpoint(
    database: Database,
) -> None:
    """What caused them may have changed; earlier ones are stored as rejected rows."""
    _, fence = await make_running_job(database)
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    await session.write(make_batch(make_things(2)))
    await session.close()
    async with database.transaction() as connection:
        await database_rejections.record_database_rejections(
            connection, fence, {1: "23514", 2: "23514", 3: "23514", 9: "23514"}
        )
        await transitions.apply(connection, fence.job_id, fence.token, Fail("database_refused", "why"))
    assert (await get_job(database, "r-1")).checkpoint == 2
    assert await apply_command(database, RETRY) is None
    assert await fetch(database, "select row_number from migration.database_rejections order by 1") == [
        (1,),
        (2,),
    ]


async def test_retry_without_checkpoint_clears_database_rejections(database: Database) -> None:
    _, fence = await make_running_job(database)
    async with database.transaction() as connection:
        await database_rejections.record_database_rejections(connection, fence, {-5: "23514", 3: "23514"})
        await transitions.apply(connection, fence.job_id, fence.token, Fail("database_refused", "why"))
    assert await apply_command(database, RETRY) is None
    assert await fetch(database, "select row_number from migration.database_rejections") == []


async def test_retry_clears_the_cancel_of_the_previous_run(database: Database) -> None:
    _, fence = await make_running_job(database)
    await apply_command(database, CANCEL, "c-1")
    async with database.transaction() as connection:
        await transitions.apply(connection, fence.job_id, fence.token, Cancel())
    assert await apply_command(database, RETRY, "c-2") is None
    assert (await get_job(database, "r-1")).cancel_requested is False


@pytest.mark.parametrize("state", [Status.PENDING, Status.RUNNING, Status.COMPLETED])
async def test_only_failed_and_cancelled_jobs_can_be_retried(database: Database, state: Status) -> None:
    match state:
        case Status.PENDING:
            await make_pending_job(database)
        case Status.RUNNING:
            await make_running_job(database)
        case _:
            await _make_ended_job(database, state)
    before = await get_job(database, "r-1")
    assert (await apply_command(database, RETRY) or "").startswith(f"it is {state}")
    after = await get_job(database, "r-1")
    assert (after.status, after.run, after.sequence) == (state, 1, before.sequence)
    assert await _resent_sequences(database) == [before.sequence]


async def test_repeated_command_acts_once(database: Database) -> None:
    await _make_ended_job(database, Status.FAILED)
    assert await apply_command(database, RETRY) is None
    await apply_command(database, CANCEL, "c-2")
    assert await apply_command(database, RETRY) is None
    after = await get_job(database, "r-1")
    assert (after.status, after.run) == (Status.CANCELLED, 2)


async def test_concurrent_copies_of_command_act_once(
    database: Database, other_replica_database: Database
) -> None:
    await _make_ended_job(database, Status.FAILED)
    answers = await asyncio.gather(
        *(apply_command((database, other_replica_database)[n % 2], RETRY) for n in range(20))
    )
    assert answers == [None] * 20
    assert (await get_job(database, "r-1")).run == 2
    assert await fetch(database, "select command_id, accepted from migration.commands") == [("c-1", True)]


async def test_one_of_many_concurrent_retries_is_accepted(database: Database) -> None:
    await _make_ended_job(database, Status.FAILED)
    answers = await asyncio.gather(*(apply_command(database, RETRY, f"c-{n}") for n in range(10)))
    assert answers.count(None) == 1
    assert (await get_job(database, "r-1")).run == 2


async def test_command_for_an_unknown_id_is_rejected_at_every_delivery(
    database: Database, other_replica_database: Database
) -> None:
    answers = await asyncio.gather(
        *(apply_command((database, other_replica_database)[n % 2], CANCEL) for n in range(10))
    )
    assert set(answers) == {"there is no migration with request id r-1"}


async def test_rejected_command_does_not_act_when_redelivered_later(database: Database) -> None:
    await make_pending_job(database)
    assert await apply_command(database, RETRY) is not None
    await apply_command(database, CANCEL, "c-2")
    assert "send it as a new command" in (await apply_command(database, RETRY) or "")
    assert (await get_job(database, "r-1")).run == 1


@pytest.mark.parametrize(
    "other",
    [CancelRequest(action="cancel", request_id="r-2"), RetryRequest(action="retry", request_id="r-1")],
    ids=["request", "action"],
)
async def test_reused_command_id_is_rejected(database: Database, other: Command) -> None:
    await make_pending_job(database, "r-1")
    await make_pending_job(database, "r-2")
    assert await apply_command(database, CANCEL) is None
    assert "used for another command" in (await apply_command(database, other) or "")
    assert (await get_job(database, "r-2")).status is Status.PENDING
    assert (await get_job(database, "r-1")).run == 1


async def test_command_and_its_decision_are_one_transaction(database: Database) -> None:
    await make_pending_job(database)
    async with rolled_back(database) as connection:
        await commands.apply_command(connection, "c-1", CANCEL)
    assert await fetch(database, "select * from migration.commands") == []
    assert (await get_job(database, "r-1")).status is Status.PENDING
