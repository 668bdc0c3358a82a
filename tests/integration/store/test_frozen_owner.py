"""A frozen owner: a takeover terminates its backend, which releases its locks."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from consumer.store import claims, leases, transitions
from consumer.store.batch_writer import BatchWriter
from consumer.store.connect import CONTROL_SETTINGS
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError
from consumer.store.leases import FencingToken
from schemas.status import Status
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import make_batch, make_things
from tests.support.job_factories import expire_lease, fencing_token, fetch, make_running_job

LOCK_TIMEOUT_SECONDS = 5


async def _make_frozen_owner(database: Database) -> tuple[FencingToken, BatchWriter]:
    """An owner that stopped between the token check and the commit, with the lock of its job."""
    job, held = await make_running_job(database)
    session = await BatchWriter.open(database, held, minimal_dataset.MERGE)
    await session._connection.execute("begin")
    await transitions.share_lock_owned_job(session._connection, held)
    await expire_lease(database, job.id)
    return held, session


async def test_rescue_terminates_a_frozen_owner_that_locks_its_job(database: Database) -> None:
    held, zombie = await _make_frozen_owner(database)
    assert CONTROL_SETTINGS["lock_timeout"] == f"{LOCK_TIMEOUT_SECONDS}s"
    begun = time.monotonic()
    rescued = await claims.rescue(database)
    assert time.monotonic() - begun < LOCK_TIMEOUT_SECONDS, "it only waited"
    assert [(job.id, job.status) for job in rescued] == [(held.job_id, Status.PENDING)]
    with pytest.raises(DatabaseUnavailableError):
        await zombie.write(make_batch(make_things(2)))
    await zombie.close()


async def test_successor_continues_from_the_checkpoint_of_the_frozen_owner(database: Database) -> None:
    _, zombie = await _make_frozen_owner(database)
    await claims.rescue(database)
    claimed = await claims.claim(database, "successor", 60)
    assert claimed is not None
    session = await BatchWriter.open(database, fencing_token(claimed), minimal_dataset.MERGE)
    assert (await session.write(make_batch(make_things(2)))).processed == 1
    await session.close()
    await zombie.close()


async def test_owner_frozen_in_a_copy_does_not_block_its_successor(
    database: Database,
) -> None:
    job, held = await make_running_job(database)
    session = await BatchWriter.open(database, held, minimal_dataset.MERGE)
    flowing, go_on = asyncio.Event(), asyncio.Event()

    async def stalled() -> object:
        async def slices() -> AsyncIterator[bytes]:
            yield b"2\tkey 2\tkind\t1\n"
            flowing.set()
            await go_on.wait()

        async with session._connection.transaction():
            return await session._connection.copy_to_table("stage_things", source=slices(), format="text")

    copying = asyncio.create_task(stalled())
    await asyncio.wait_for(flowing.wait(), 10)
    await expire_lease(database, job.id)
    assert [after.status for after in await claims.rescue(database)] == [Status.PENDING]
    go_on.set()
    with pytest.raises(Exception, match=r"terminat|connection"):
        await copying
    await session.close()


async def test_backend_of_live_owner_is_not_terminated(database: Database) -> None:
    job, held = await make_running_job(database)
    session = await BatchWriter.open(database, held, minimal_dataset.MERGE)
    assert await claims._rescue(database, job.id) is None
    assert (await session.write(make_batch(make_things(2)))).processed == 1
    await session.close()


async def test_reused_process_id_is_not_terminated(database: Database) -> None:
    job, held = await make_running_job(database)
    session = await BatchWriter.open(database, held, minimal_dataset.MERGE)
    async with database.transaction() as connection:
        await connection.execute(
            "update migration.leases set backend_start = backend_start - interval '1 hour'"
        )
    await expire_lease(database, job.id)
    await claims.rescue(database)
    assert await session._connection.fetchval("select 1") == 1
    await session.close()


async def test_new_claim_does_not_inherit_the_backend(database: Database) -> None:
    job, held = await make_running_job(database)
    session = await BatchWriter.open(database, held, minimal_dataset.MERGE)
    assert (await fetch(database, "select backend_pid from migration.leases"))[0][0] is not None
    async with database.transaction() as connection:
        await leases.overwrite(connection, leases.job_lease_name(job.id), "successor", held.token + 1, 60)
    assert await fetch(database, "select backend_pid from migration.leases") == [(None,)]
    await session.close()
