"""A load reads the source from the top; a new load replaces the old one completely or not at all."""

import struct
from dataclasses import replace
from typing import Any

import pytest

from consumer.store import database_rejections, job_progress, rejected_rows
from consumer.store.batch_writer import BatchWriter
from consumer.store.database import Database
from consumer.store.errors import TransactionConflictError
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import make_batch, make_things
from tests.integration.store.rejected_loads import resumed_rows, visible_row_numbers
from tests.support.job_factories import make_running_job, outbox_events, rolled_back, snapshot


async def start_load(
    database: Database, fencing_token: FencingToken, fingerprint: str, state: Any = None
) -> Job:
    async with database.transaction() as connection:
        return await job_progress.start_load(
            connection, fencing_token, fingerprint, state, {"unknown_column": 2}
        )


async def _make_half_read_job(database: Database) -> tuple[Job, FencingToken]:
    """A job with a batch, a total, a rejected row and a database rejection."""
    _, fence = await make_running_job(database)
    await start_load(database, fence, "first")
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    job = await session.write(make_batch(make_things(2, 3), rejected=[4], warnings={"phone": 1}))
    await session.close()
    async with database.transaction() as connection:
        await job_progress.set_total(connection, fence, 10)
        await database_rejections.record_database_rejections(connection, fence, {7: "22001"})
    return job, fence


async def test_load_starts_with_fingerprint_and_state_of_the_source(database: Database) -> None:
    _, fence = await make_running_job(database)
    job = await start_load(database, fence, "first", {"columns": [1, 2]})
    assert (job.fingerprint, job.source_state) == ("first", {"columns": [1, 2]})
    assert job.warnings == {"unknown_column": 2}


async def test_changed_source_resets_counters_and_adds_a_warning(
    database: Database,
) -> None:
    _, fence = await _make_half_read_job(database)
    job = await start_load(database, fence, "second")
    counters = (job.processed, job.failed, job.inserted, job.unchanged, job.updated, job.duplicates)
    assert counters == (0, 0, 0, 0, 0, 0)
    assert (job.checkpoint, job.total, job.fingerprint) == (None, None, "second")
    assert job.warnings == {"source_restarted": 1, "unknown_column": 2}
    assert await visible_row_numbers(database, job.id) == []
    assert await resumed_rows(database, fence) == ((), {})
    last = (await outbox_events(database, job.id))[-1]
    assert (last["processed"], last["warnings"]) == (0, {"source_restarted": 1, "unknown_column": 2})


async def test_restarts_are_counted_over_all_loads(database: Database) -> None:
    _, fence = await _make_half_read_job(database)
    await start_load(database, fence, "second")
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    await session.write(make_batch(make_things(2)))
    await session.close()
    assert (await start_load(database, fence, "third")).warnings["source_restarted"] == 2


async def test_replacing_an_empty_load_adds_no_warning(database: Database) -> None:
    _, fence = await make_running_job(database)
    await start_load(database, fence, "first")
    assert "source_restarted" not in (await start_load(database, fence, "second")).warnings


async def test_failed_start_of_a_load_keeps_the_old_one(database: Database) -> None:
    _, fence = await _make_half_read_job(database)
    before = await snapshot(database)
    async with rolled_back(database) as connection:
        await job_progress.start_load(connection, fence, "second", None, {})
    assert await snapshot(database) == before


async def test_total_is_emitted_once(database: Database) -> None:
    _, fence = await make_running_job(database)
    for _ in range(2):
        async with database.transaction() as connection:
            await job_progress.set_total(connection, fence, 10)
    events = await outbox_events(database, fence.job_id)
    assert [event["total"] for event in events] == [None, None, 10]


async def test_detail_is_emitted_once_and_cleared_by_the_next_batch(
    database: Database,
) -> None:
    _, fence = await make_running_job(database)
    for _ in range(2):
        async with database.transaction() as connection:
            await job_progress.set_detail(connection, fence, "quota: 30 s")
    assert [event["detail"] for event in await outbox_events(database, fence.job_id)] == [
        None,
        None,
        "quota: 30 s",
    ]
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    assert (await session.write(make_batch(make_things(2)))).detail is None
    await session.close()


async def test_database_rejections_are_stored_with_their_sqlstate(database: Database) -> None:
    _, fence = await _make_half_read_job(database)
    async with database.transaction() as connection:
        await database_rejections.record_database_rejections(connection, fence, {9: "23514"})
        assert await database_rejections.list_database_rejections(connection, fence) == {
            7: "22001",
            9: "23514",
        }


async def test_database_rejection_is_recorded_once(database: Database) -> None:
    _, fence = await _make_half_read_job(database)
    with pytest.raises(TransactionConflictError):
        async with database.transaction() as connection:
            await database_rejections.record_database_rejections(connection, fence, {7: "22001"})


async def test_positions_of_rejected_rows_are_ascending_numbers_of_eight_bytes(
    database: Database,
) -> None:
    _, fence = await make_running_job(database)
    await start_load(database, fence, "first")
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    await session.write(make_batch(make_things(5), rejected=[4, -(2**63), 300]))
    await session.close()
    async with database.transaction() as connection:
        found = await rejected_rows.rejected_positions(connection, fence)
    assert struct.unpack("!3q", found) == (-(2**63), 4, 300)


async def test_source_state_is_stored_with_the_batch(database: Database) -> None:
    _, fence = await make_running_job(database)
    await start_load(database, fence, "first", {"ranges": 1})
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    after = await session.write(replace(make_batch(make_things(1)), source_state={"ranges": 2}))
    assert after.source_state == {"ranges": 2}
    same = await session.write(make_batch(make_things(2)))
    assert same.source_state == {"ranges": 2}
    await session.close()


async def test_detail_and_its_end_are_emitted_once_each(database: Database) -> None:
    job, fence = await make_running_job(database)
    for detail in ("waiting for quota", "waiting for quota", None, None):
        async with database.transaction() as connection:
            await job_progress.set_detail(connection, fence, detail)
    assert [event["detail"] for event in await outbox_events(database, job.id)][-2:] == [
        "waiting for quota",
        None,
    ]
    assert len(await outbox_events(database, job.id)) == 4
