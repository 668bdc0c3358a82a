"""A load: one reading from the top. A new one replaces the old one whole, or not at all."""

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
    """A job with a batch stored, a total, a rejected and a refused row."""
    _, fence = await make_running_job(database)
    await start_load(database, fence, "first")
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    job = await session.write(make_batch(make_things(2, 3), rejected=[4], warnings={"phone": 1}))
    await session.close()
    async with database.transaction() as connection:
        await job_progress.set_total(connection, fence, 10)
        await database_rejections.record_database_rejections(connection, fence, {7: "22001"})
    return job, fence


async def test_a_load_begins_with_what_the_source_is_and_said(database: Database) -> None:
    _, fence = await make_running_job(database)
    job = await start_load(database, fence, "first", {"columns": [1, 2]})
    assert (job.fingerprint, job.source_state) == ("first", {"columns": [1, 2]})
    assert job.warnings == {"unknown_column": 2}


async def test_another_source_under_the_same_name_resets_counters_and_rejects_and_says_so(
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


async def test_a_first_load_that_stored_nothing_is_replaced_without_a_word(database: Database) -> None:
    _, fence = await make_running_job(database)
    await start_load(database, fence, "first")
    assert "source_restarted" not in (await start_load(database, fence, "second")).warnings


async def test_a_new_load_that_fails_to_begin_leaves_the_old_one_whole(database: Database) -> None:
    _, fence = await _make_half_read_job(database)
    before = await snapshot(database)
    async with rolled_back(database) as connection:
        await job_progress.start_load(connection, fence, "second", None, {})
    assert await snapshot(database) == before


async def test_the_total_is_told_once(database: Database) -> None:
    _, fence = await make_running_job(database)
    for _ in range(2):
        async with database.transaction() as connection:
            await job_progress.set_total(connection, fence, 10)
    told = await outbox_events(database, fence.job_id)
    assert [event["total"] for event in told] == [None, None, 10]


async def test_what_a_job_waits_for_is_told_once_and_forgotten_with_the_next_batch(
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


async def test_refused_rows_are_remembered_with_their_state(database: Database) -> None:
    _, fence = await _make_half_read_job(database)
    async with database.transaction() as connection:
        await database_rejections.record_database_rejections(connection, fence, {9: "23514"})
        assert await database_rejections.list_database_rejections(connection, fence) == {
            7: "22001",
            9: "23514",
        }


async def test_a_row_is_not_refused_twice(database: Database) -> None:
    _, fence = await _make_half_read_job(database)
    with pytest.raises(TransactionConflictError):
        async with database.transaction() as connection:
            await database_rejections.record_database_rejections(connection, fence, {7: "22001"})


async def test_positions_of_rejected_rows_are_told_in_order_as_numbers_of_eight_bytes(
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


async def test_what_is_known_of_the_source_is_kept_with_the_rows_read_so_far(database: Database) -> None:
    _, fence = await make_running_job(database)
    await start_load(database, fence, "first", {"ranges": 1})
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    told = await session.write(replace(make_batch(make_things(1)), source_state={"ranges": 2}))
    assert told.source_state == {"ranges": 2}
    same = await session.write(make_batch(make_things(2)))
    assert same.source_state == {"ranges": 2}
    await session.close()


async def test_what_is_waited_for_is_told_once_and_then_that_it_is_over(database: Database) -> None:
    job, fence = await make_running_job(database)
    for detail in ("waiting for quota", "waiting for quota", None, None):
        async with database.transaction() as connection:
            await job_progress.set_detail(connection, fence, detail)
    assert [event["detail"] for event in await outbox_events(database, job.id)][-2:] == [
        "waiting for quota",
        None,
    ]
    assert len(await outbox_events(database, job.id)) == 4
