"""During a batch every change of its job that keeps the token goes ahead without waiting."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from consumer.datasets.base import MergePlan
from consumer.lifecycle import Cancel
from consumer.store import batches, commands, transitions
from consumer.store.batch_writer import BatchWriter
from consumer.store.batches import MergeCounts
from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.errors import TransactionConflictError
from consumer.store.leases import FencingToken
from consumer.store.requests import RecordOutcome
from schemas.requests import CancelRequest
from schemas.status import Status
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import make_batch, make_things
from tests.support.job_factories import (
    execute,
    expire_lease,
    get_job,
    make_running_job,
    outbox_events,
    record_request,
)

AT_ONCE_SECONDS = 2.5
"""Less than the lock timeout."""


@pytest_asyncio.fixture
async def batch_in_progress(database: Database) -> AsyncIterator[FencingToken]:
    """A batch that has locked its token and waits in the merge."""
    _, fence = await make_running_job(database)
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    await session._connection.execute("begin")
    await transitions.share_lock_owned_job(session._connection, fence)
    yield fence
    await session.close()


@pytest.mark.usefixtures("batch_in_progress")
async def test_cancel_is_recorded_during_a_batch(database: Database) -> None:
    cancel = CancelRequest(action="cancel", request_id="r-1")
    async with asyncio.timeout(AT_ONCE_SECONDS), database.transaction() as connection:
        assert await commands.apply_command(connection, "c-1", cancel) is None
    assert (await get_job(database, "r-1")).cancel_requested


@pytest.mark.usefixtures("batch_in_progress")
async def test_repeated_request_is_answered_during_a_batch(database: Database) -> None:
    async with asyncio.timeout(AT_ONCE_SECONDS):
        assert await record_request(database, "r-1") is RecordOutcome.DUPLICATE


@pytest.mark.usefixtures("batch_in_progress")
async def test_job_with_a_batch_in_progress_is_not_claimed_ended_or_pruned(
    database: Database, batch_in_progress: FencingToken
) -> None:
    for statement in (
        "update migration.jobs set token = token + 1",
        "update migration.jobs set token = null",
        "delete from migration.jobs",
    ):
        with pytest.raises(TransactionConflictError):
            await _execute_with_limit(database, statement)
    with pytest.raises(TransactionConflictError):
        await _finish_batch(database, batch_in_progress)


async def test_cancel_after_lease_expiry_terminates_the_batch(
    database: Database, batch_in_progress: FencingToken
) -> None:
    await expire_lease(database, batch_in_progress.job_id)
    cancel = CancelRequest(action="cancel", request_id="r-1")
    async with asyncio.timeout(AT_ONCE_SECONDS), database.transaction() as connection:
        assert await commands.apply_command(connection, "c-1", cancel) is None
    assert (await get_job(database, "r-1")).status is Status.CANCELLED


async def test_batch_commits_fully_when_a_cancel_is_requested(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, fence = await make_running_job(database)
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    before = await session.write(make_batch(make_things(2), warnings={"phone": 1}))
    await execute(database, "update migration.jobs set last_event_at = last_event_at - interval '1 minute'")
    merge = batches.run_merge

    async def cancelled_meanwhile(connection: Connection, part: MergePlan) -> MergeCounts:
        async with database.transaction() as other:
            cancel = CancelRequest(action="cancel", request_id="r-1")
            assert await commands.apply_command(other, "c-1", cancel) is None
        return await merge(connection, part)

    monkeypatch.setattr(batches, "run_merge", cancelled_meanwhile)
    after = await session.write(make_batch(make_things(3), warnings={"phone": 1, "flag": 2}))
    await session.close()
    stored = await get_job(database, "r-1")
    assert (stored.processed, stored.warnings, stored.checkpoint) == (2, {"phone": 2, "flag": 2}, 3)
    assert stored.cancel_requested
    assert after.sequence == stored.sequence == before.sequence + 1
    assert [event["sequence"] for event in await outbox_events(database, job.id)][-1] == after.sequence


async def _finish_batch(database: Database, held: FencingToken) -> None:
    async with database.transaction() as connection:
        await connection.execute("set local lock_timeout = '200ms'")
        await transitions.apply(connection, held.job_id, held.token, Cancel())


async def _execute_with_limit(database: Database, statement: str) -> None:
    await execute(database, f"set local lock_timeout = '200ms'; {statement}")
