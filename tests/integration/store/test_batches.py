"""The batch transaction: rows, rejected rows, counters, checkpoint and event commit atomically."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from consumer.datasets.base import MergePlan
from consumer.store.batch_writer import BatchWriter
from consumer.store.database import Database
from consumer.store.errors import QueryError
from consumer.store.jobs import Job, sum_counters
from consumer.store.leases import FencingToken
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import make_batch, make_things
from tests.support.job_factories import (
    execute,
    fetch,
    is_waiting_for_lock,
    make_running_job,
    outbox_events,
    snapshot,
)
from tests.support.wait import wait_until_async


@pytest_asyncio.fixture
async def fencing_token(database: Database) -> FencingToken:
    _, fence = await make_running_job(database)
    return fence


@pytest_asyncio.fixture
async def batch_writer(database: Database, fencing_token: FencingToken) -> AsyncIterator[BatchWriter]:
    opened = await BatchWriter.open(database, fencing_token, minimal_dataset.MERGE)
    yield opened
    await opened.close()


async def test_batch_stores_rows_rejected_rows_counters_and_checkpoint(
    database: Database, batch_writer: BatchWriter
) -> None:
    job = await batch_writer.write(make_batch(make_things(2, 3), rejected=[5], warnings={"phone": 2}))
    assert (job.processed, job.inserted, job.failed, job.checkpoint) == (2, 2, 1, 5)
    assert job.warnings == {"phone": 2}
    assert await fetch(database, "select key from things order by key") == [("key 2",), ("key 3",)]
    rejected = "select job_id, row_number, record_identifier, record::text from migration.migration_errors"
    assert await fetch(database, rejected) == [(job.id, 5, "who 5", '{"amount": "x"}')]


async def test_counters_add_up_over_batches(database: Database, batch_writer: BatchWriter) -> None:
    await batch_writer.write(make_batch(make_things(2, 3), warnings={"phone": 2}))
    job = await batch_writer.write(
        make_batch(make_things(3, 4), rejected=[5, 6], warnings={"phone": 1, "flag": 1})
    )
    assert (job.processed, job.inserted, job.unchanged, job.failed) == (4, 3, 1, 2)
    assert job.warnings == {"flag": 1, "phone": 3}


async def test_batch_of_rejected_rows_only_moves_the_checkpoint(batch_writer: BatchWriter) -> None:
    job = await batch_writer.write(make_batch([], rejected=[2, 3]))
    assert (job.processed, job.failed, job.checkpoint) == (0, 2, 3)


async def test_committed_batch_resets_consecutive_failures(
    database: Database, batch_writer: BatchWriter
) -> None:
    await execute(
        database, "update migration.jobs set consecutive_failures = 3, error_code = 'x', error_message = 'y'"
    )
    job = await batch_writer.write(make_batch(make_things(2)))
    assert (job.consecutive_failures, job.error_code) == (0, None)


async def test_progress_event_is_emitted_at_most_once_a_second(
    database: Database, batch_writer: BatchWriter
) -> None:
    move_last_event = "update migration.jobs set last_event_at = clock_timestamp() {} interval '1 minute'"
    await execute(database, move_last_event.format("+"))
    first = await batch_writer.write(make_batch(make_things(2)))
    quiet = await batch_writer.write(make_batch(make_things(3)))
    assert quiet.sequence == first.sequence
    await execute(database, move_last_event.format("-"))
    after = await batch_writer.write(make_batch(make_things(4)))
    assert after.sequence == first.sequence + 1
    assert [event["processed"] for event in await outbox_events(database, after.id)][-1] == 3


def _make_broken_merge(failing_part: str) -> MergePlan:
    """The merge with a failing statement in the middle or at the end."""
    boom = "select * from nowhere"
    if failing_part == "counts":
        return MergePlan(
            minimal_dataset.MERGE.create_temp_tables,
            minimal_dataset.MERGE.staging_tables,
            minimal_dataset.MERGE.statements,
            boom,
        )
    first, second = minimal_dataset.MERGE.statements
    return MergePlan(
        minimal_dataset.MERGE.create_temp_tables,
        minimal_dataset.MERGE.staging_tables,
        (first, second, boom),
        minimal_dataset.MERGE.counts_query,
    )


@pytest.mark.parametrize("failing_part", ["statements", "counts"])
async def test_failure_in_the_middle_rolls_back_the_batch(
    database: Database, fencing_token: FencingToken, failing_part: str
) -> None:
    session = await BatchWriter.open(database, fencing_token, _make_broken_merge(failing_part))
    before = await snapshot(database)
    with pytest.raises(QueryError):
        await session.write(make_batch(make_things(2, 3), rejected=[4]))
    await session.close()
    assert await snapshot(database) == before


@pytest.mark.parametrize(
    "table",
    ["migration.outbox", "migration.migration_errors", "migration.rejected_counts", "migration.jobs"],
)
async def test_failing_table_rolls_back_all_others(
    database: Database, fencing_token: FencingToken, batch_writer: BatchWriter, table: str
) -> None:
    await execute(database, "update migration.jobs set last_event_at = last_event_at - interval '2 seconds'")
    await execute(
        database,
        """create function refuse() returns trigger language plpgsql as
           $$ begin raise exception 'no' using errcode = '42000'; end $$""",
    )
    await execute(
        database,
        f"create trigger refuse before insert or update on {table} for each row execute function refuse()",
    )
    before = await snapshot(database)
    with pytest.raises(QueryError):
        await batch_writer.write(make_batch(make_things(2, 3), rejected=[4]))
    assert await snapshot(database) == before


async def test_failed_batch_can_be_stored_again(database: Database, batch_writer: BatchWriter) -> None:
    await execute(database, "alter table things rename to elsewhere")
    with pytest.raises(QueryError):
        await batch_writer.write(make_batch(make_things(2)))
    await execute(database, "alter table elsewhere rename to things")
    assert (await batch_writer.write(make_batch(make_things(2)))).inserted == 1


async def test_batch_is_retried_after_a_conflict(database: Database, fencing_token: FencingToken) -> None:
    session = await BatchWriter.open(database, fencing_token, minimal_dataset.RACING_MERGE)
    faster = await database.data_connection()
    claimed = faster.transaction()
    await claimed.start()
    await faster.execute("insert into things values ('key 3', null, '7')")
    storing = asyncio.create_task(session.write(make_batch(make_things(2, 3, 4))))
    await wait_until_async(
        lambda: is_waiting_for_lock(database, "things"), 10, "the batch to meet the other transaction"
    )
    await claimed.commit()
    job = await storing
    assert (job.processed, job.checkpoint) == (3, 4)
    found = await fetch(database, "select key, amount from things order by key")
    assert found == [("key 2", "1"), ("key 3", "7"), ("key 4", "1")]
    await faster.close()
    await session.close()


async def test_two_jobs_with_the_same_rows_both_complete(
    database: Database, fencing_token: FencingToken
) -> None:
    _, other = await make_running_job(database, "r-2")
    sessions = [
        await BatchWriter.open(database, token, minimal_dataset.RACING_MERGE)
        for token in (fencing_token, other)
    ]

    async def store_all(session: BatchWriter) -> Job:
        for n in range(10):
            job = await session.write(make_batch(make_things(*range(n * 100 + 1, n * 100 + 101))))
        return job

    ends = await asyncio.gather(*(store_all(session) for session in sessions))
    for session in sessions:
        await session.close()
    assert [(job.processed, job.checkpoint) for job in ends] == [(1000, 1000), (1000, 1000)]
    assert await fetch(database, "select count(*) from things") == [(1000,)]


def test_warnings_are_summed_by_code_without_zeroes() -> None:
    assert sum_counters({"a": 1, "b": 0}, {"a": 2}, {}) == {"a": 3}


UPDATE_COUNTS = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'jobs'"


async def test_stored_batches_change_no_index_of_jobs(database: Database, batch_writer: BatchWriter) -> None:
    """Each is a HOT update, which writes no index."""
    [(updates, hot)] = await fetch(database, UPDATE_COUNTS)

    async def counted() -> bool:
        [(now, _)] = await fetch(database, UPDATE_COUNTS)
        return bool(now >= updates + 20)

    for position in range(20):
        await batch_writer.write(make_batch(make_things(position)))
    await batch_writer._connection.execute("select pg_stat_force_next_flush()")
    await wait_until_async(counted, 10, "Postgres to count the updates")
    [(updates_after, hot_after)] = await fetch(database, UPDATE_COUNTS)
    assert updates_after - updates - (hot_after - hot) <= 1, "but for the claim, which may be counted late"
