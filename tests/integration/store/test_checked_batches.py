"""Batches whose rows are only checked, and batches that exceed the limit of rejected rows of their job."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from consumer.store.batch_writer import BatchWriter
from consumer.store.commands import apply_command
from consumer.store.database import Database
from consumer.store.errors import DataRejectedError
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.store.reject_limits import TooManyRejectsError
from consumer.store.resume_point import ResumePoint, read_resume_point
from consumer.worker.end_of_pass import finish_pass
from schemas.requests import RetryRequest
from schemas.status import Phase
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import make_batch, make_things
from tests.integration.store.rejected_loads import record_rejected_by_database, visible_row_numbers
from tests.support.job_factories import execute, fetch, get_job, make_running_job

THINGS = "select key from things order by key"
COUNTS = "select code, field, rows from migration.rejected_counts order by code, field"
REJECTED_TWICE = """[{"field": "amount", "code": "number", "message": "m"},
  {"field": "key", "code": "long", "message": "m"}]""".replace("\n", "")


@asynccontextmanager
async def running_job(
    database: Database, **options: Any
) -> AsyncIterator[tuple[Job, FencingToken, BatchWriter]]:
    """A job with these options that is running, and the writer of its batches."""
    job, fence = await make_running_job(database, options=options)
    writer = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    yield job, fence, writer
    await writer.close()


async def _resume_point(database: Database, fence: FencingToken) -> ResumePoint:
    async with database.transaction() as connection:
        return await read_resume_point(connection, fence)


@pytest.mark.parametrize("options", [{"dry_run": True}, {"all_or_nothing": True, "max_rejected": 9}])
async def test_checked_rows_are_counted_and_not_stored(database: Database, options: dict[str, Any]) -> None:
    async with running_job(database, **options) as (job, _, writer):
        assert job.phase is Phase.CHECK
        batch = make_batch(make_things(2, 3, 4), rejected=[5], warnings={"phone": 2})
        after = await writer.write(replace(batch, duplicates=1))
    assert (after.processed, after.failed, after.duplicates, after.checkpoint) == (3, 1, 1, 5)
    assert (after.inserted, after.updated, after.unchanged) == (0, 0, 0)
    assert after.warnings == {"phone": 2}
    assert await fetch(database, THINGS) == []
    assert await visible_row_numbers(database, job.id) == [5]


@pytest.mark.parametrize(
    "change",
    [
        "phase = 'load'",
        "inserted = 1, processed = 1",
        "duplicates = 1",
        "status = 'completed', token = null, completed_at = now(), total = 1, failed = 1, dry_run = false",
    ],
)
async def test_postgres_refuses_a_dry_run_that_stores(database: Database, change: str) -> None:
    await make_running_job(database, options={"dry_run": True})
    with pytest.raises(DataRejectedError) as caught:
        await execute(database, f"update migration.jobs set {change}")
    assert caught.value.sqlstate == "23514"


async def test_batch_over_the_limit_is_rolled_back_and_its_rejected_rows_are_kept(database: Database) -> None:
    async with running_job(database, max_rejected=2) as (job, _, writer):
        await writer.write(make_batch(make_things(2), rejected=[3, 4]))
        with pytest.raises(TooManyRejectsError) as caught:
            await writer.write(make_batch(make_things(5), rejected=[6, 7], errors=REJECTED_TWICE))
    after = await get_job(database, "r-1")
    assert (after.processed, after.failed, after.checkpoint) == (1, 4, 4)
    assert await fetch(database, THINGS) == [("key 2",)]
    assert await visible_row_numbers(database, job.id) == [3, 4, 6, 7]
    assert await fetch(database, COUNTS) == [("long", "key", 2), ("number", "amount", 4)]
    assert caught.value.message.startswith("4 of the first 6 rows were rejected, and max_rejected allows 2.")
    assert "number in the column «amount» (4 rows, for example row 3)" in caught.value.message


async def test_next_extraction_reads_the_kept_rows_again(database: Database) -> None:
    async with running_job(database, max_rejected=2) as (job, fence, writer):
        await writer.write(make_batch(make_things(2), rejected=[3, 4]))
        for _ in range(2):
            with pytest.raises(TooManyRejectsError):
                await writer.write(make_batch(make_things(5), rejected=[6, 7], errors=REJECTED_TWICE))
            resume = await _resume_point(database, fence)
            assert (resume.checkpoint, resume.rows_done, resume.job.failed) == (4, 3, 2)
            assert await visible_row_numbers(database, job.id) == [3, 4]
            assert await fetch(database, COUNTS) == [("number", "amount", 2)]
    assert (await get_job(database, "r-1")).failed == 2


async def test_marks_of_corrections_go_with_the_rows_that_are_read_again(database: Database) -> None:
    async with running_job(database, max_rejected=0) as (_, fence, writer):
        with pytest.raises(TooManyRejectsError):
            await writer.write(make_batch([], rejected=[2, 3, 4]))
        await execute(
            database,
            """update migration.migration_errors set corrected_by = case row_number when 2 then 7 end,
                 dismissed_at = case row_number when 3 then now() end, dismissed_by = 'petrov'""",
        )
        await execute(database, "update migration.jobs set rows_corrected = 1, rows_dismissed = 1")
        job = (await _resume_point(database, fence)).job
    after = await get_job(database, "r-1")
    assert (job.failed, after.failed, after.rows_corrected, after.rows_dismissed) == (0, 0, 0, 0)


async def test_rejected_rows_of_a_job_without_limit_are_never_deleted(database: Database) -> None:
    async with running_job(database) as (job, fence, writer):
        await writer.write(make_batch([], rejected=[2, 3]))
        await execute(database, "update migration.jobs set checkpoint = 2")
        await _resume_point(database, fence)
    assert await visible_row_numbers(database, job.id) == [2, 3]


@pytest.mark.parametrize(("at_end", "stored"), [(False, True), (True, False)])
async def test_percentage_of_few_rows_counts_at_the_end(
    database: Database, at_end: bool, stored: bool
) -> None:
    async with running_job(database, max_rejected="10%") as (_, _, writer):
        batch = replace(make_batch(make_things(2, 3, 4), rejected=[5]), at_end=at_end)
        if stored:
            await writer.write(batch)
        else:
            with pytest.raises(TooManyRejectsError, match="max_rejected allows 10 %"):
                await writer.write(batch)
    assert len(await fetch(database, THINGS)) == (3 if stored else 0)


async def _load_after_check(database: Database, fence: FencingToken, writer: BatchWriter) -> None:
    """Let a check of two rows pass, and begin the load."""
    await execute(database, "update migration.jobs set fingerprint = 'f'")
    await writer.write(make_batch(make_things(2, 3)))
    assert await finish_pass(database, fence, 2) is None
    await execute(
        database, "update migration.jobs set phase = 'load', processed = 0, total = null, checkpoint = null"
    )


async def test_rows_that_only_postgres_refuses_undo_no_load(database: Database) -> None:
    async with running_job(database, all_or_nothing=True) as (job, fence, writer):
        await _load_after_check(database, fence, writer)
        await record_rejected_by_database(database, fence, 3)
        after = await writer.write(make_batch(make_things(2), rejected=[3]))
        assert (after.processed, after.inserted, after.failed) == (1, 1, 1)
        with pytest.raises(TooManyRejectsError, match="max_rejected allows 0"):
            await writer.write(make_batch(make_things(4), rejected=[5]))
    assert await fetch(database, THINGS) == [("key 2",)]
    assert await visible_row_numbers(database, job.id) == [3, 5]


async def test_rows_that_postgres_refuses_count_against_a_limit_without_check(database: Database) -> None:
    async with running_job(database, max_rejected=0) as (_, fence, writer):
        await record_rejected_by_database(database, fence, 3)
        with pytest.raises(TooManyRejectsError):
            await writer.write(make_batch(make_things(2), rejected=[3]))


async def test_check_is_followed_by_a_load_and_a_dry_run_is_not(database: Database) -> None:
    for options, expected in (
        ({"all_or_nothing": True}, None),
        ({"dry_run": True}, "succeeded"),
        ({"dry_run": True, "all_or_nothing": True}, "succeeded"),
    ):
        await execute(database, "truncate migration.jobs cascade")
        async with running_job(database, **options) as (_, fence, writer):
            await execute(database, "update migration.jobs set fingerprint = 'f'")
            await writer.write(make_batch(make_things(2, 3)))
            outcome = await finish_pass(database, fence, 2)
        assert (outcome.name if outcome else None) == expected
        checked = (await get_job(database, "r-1")).checked_fingerprint
        assert checked == ("f" if expected is None else None)


async def test_limit_is_compared_again_at_the_end_of_a_pass(database: Database) -> None:
    """A retry may have set a lower one, behind batches that were within the old one."""
    async with running_job(database, max_rejected=5) as (_, fence, writer):
        await writer.write(make_batch(make_things(2), rejected=[3, 4]))
        await execute(database, "update migration.jobs set max_rejected = '1'")
        outcome = await finish_pass(database, fence, 3)
    assert outcome is not None
    assert (outcome.name, getattr(outcome, "code", None)) == ("permanent_failure", "too_many_rejects")


@pytest.fixture
def make_retry() -> Callable[..., RetryRequest]:
    return lambda **options: RetryRequest.model_validate(
        {"action": "retry", "request_id": "r-1", "options": options}
    )


async def test_retry_changes_the_limit_and_then_needs_replicas_that_know_it(
    database: Database, make_retry: Callable[..., RetryRequest]
) -> None:
    await make_running_job(database)
    for number, (options, limit) in enumerate([({}, None), ({"max_rejected": "20%"}, "20%"), ({}, "20%")]):
        await execute(
            database,
            """update migration.jobs set status = 'failed', token = null, completed_at = now(),
                 error_code = 'x', error_message = 'y'""",
        )
        async with database.transaction() as connection:
            assert await apply_command(connection, f"c-{number}", make_retry(**options)) is None
        job = await get_job(database, "r-1")
        assert (job.max_rejected, job.options.get("max_rejected")) == (limit, None)
        assert list(job.needs) == ([] if limit is None else ["max_rejected"])
