"""Fencing: an owner whose job was taken over can write nothing more."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from consumer.errors import LeaseLostError
from consumer.lifecycle import Cancel, Complete, Fail, Requeue
from consumer.store import batches, database_rejections, job_progress, leases, transitions
from consumer.store.batch_writer import BatchWriter
from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.leases import FencingToken
from tests.integration.store import minimal_dataset
from tests.support.job_factories import execute, get_job, make_running_job, make_taken_over_job, snapshot

Write = Callable[[Connection, FencingToken], Awaitable[object]]


async def _write_batch(connection: Connection, fencing_token: FencingToken) -> object:
    await batches.create_temp_tables(connection, minimal_dataset.MERGE)
    return await batches.commit_batch(
        connection,
        fencing_token,
        minimal_dataset.MERGE,
        minimal_dataset.make_batch(minimal_dataset.make_things(2, 3), rejected=[4]),
    )


WRITES: dict[str, Write] = {
    "batch": _write_batch,
    "total": lambda connection, fence: job_progress.set_total(connection, fence, 5),
    "detail": lambda connection, fence: job_progress.set_detail(connection, fence, "waiting"),
    "start load": lambda connection, fence: job_progress.start_load(connection, fence, "another", None, {}),
    "record database rejections": lambda connection, fence: database_rejections.record_database_rejections(
        connection, fence, {7: "22001"}
    ),
    "lock": lambda connection, fence: transitions.lock_owned_job(connection, fence),
    "completed": lambda c, f: transitions.apply(c, f.job_id, f.token, Complete()),
    "failed": lambda c, f: transitions.apply(c, f.job_id, f.token, Fail("no_rows", "none")),
    "cancelled": lambda c, f: transitions.apply(c, f.job_id, f.token, Cancel()),
    "requeue": lambda c, f: transitions.apply(
        c, f.job_id, f.token, Requeue(timedelta(), consumes_attempt=False)
    ),
    "renew lease": lambda connection, fence: leases.renew_job_lease(connection, fence, 500),
    "record backend": lambda connection, fence: leases.record_backend(connection, fence),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
async def test_write_with_an_outdated_token_changes_nothing(database: Database, write: Write) -> None:
    old, _ = await make_taken_over_job(database)
    before = await snapshot(database)
    with pytest.raises(LeaseLostError):
        async with database.transaction() as connection:
            await write(connection, old)
    assert await snapshot(database) == before


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
async def test_write_after_the_job_finished_changes_nothing(database: Database, write: Write) -> None:
    _, fence = await make_running_job(database)
    async with database.transaction() as connection:
        await transitions.apply(connection, fence.job_id, fence.token, Fail("no_rows", "none"))
    before = await snapshot(database)
    with pytest.raises(LeaseLostError):
        async with database.transaction() as connection:
            await write(connection, fence)
    assert await snapshot(database) == before


async def test_release_with_an_outdated_token_keeps_the_lease(
    database: Database,
) -> None:
    old, new = await make_taken_over_job(database)
    async with database.transaction() as connection:
        await leases.release(connection, leases.job_lease_name(old.job_id), old.token)
        await leases.renew_job_lease(connection, new, 60)


async def test_current_owner_can_write(database: Database) -> None:
    _, new = await make_taken_over_job(database)
    session = await BatchWriter.open(database, new, minimal_dataset.MERGE)
    try:
        assert (
            await session.write(minimal_dataset.make_batch(minimal_dataset.make_things(2, 3)))
        ).processed == 2
    finally:
        await session.close()


async def test_batch_writer_does_not_open_with_an_outdated_token(database: Database) -> None:
    old, _ = await make_taken_over_job(database)
    with pytest.raises(LeaseLostError):
        await BatchWriter.open(database, old, minimal_dataset.MERGE)


async def test_open_batch_writer_stores_nothing_after_a_takeover(database: Database) -> None:
    job, fence = await make_running_job(database)
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    try:
        # Another replica took over without terminating this backend: only the token prevents the write.
        await execute(database, "update migration.jobs set token = nextval('migration.fencing_token_seq')")
        with pytest.raises(LeaseLostError):
            await session.write(minimal_dataset.make_batch(minimal_dataset.make_things(2, 3)))
    finally:
        await session.close()
    assert (await get_job(database, job.request_id)).processed == 0
