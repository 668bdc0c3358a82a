"""Rows older than their retention are deleted in chunks, and no others."""

from datetime import timedelta

import pytest

from consumer.store import (
    claims,
    commands,
    database_rejections,
    job_progress,
    pruning,
    rejected_rows,
)
from consumer.store.batch_writer import BatchWriter
from consumer.store.database import Database
from schemas.requests import CancelRequest, RetryRequest
from schemas.status import Status
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import make_batch, make_things
from tests.integration.store.old_jobs import (
    ONE_DAY,
    add_errors,
    count_deletes,
    deletes_per_transaction,
    make_ended_job,
    no_pause,
    row_count,
)
from tests.support.job_factories import (
    execute,
    fencing_token,
    fetch,
    get_job,
    make_pending_job,
    make_running_job,
    outbox_events,
    record_request,
    snapshot,
)

RETRY = RetryRequest(action="retry", request_id="r-1")


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
async def test_rejected_rows_of_old_finished_jobs_are_deleted(database: Database, status: Status) -> None:
    old = await make_ended_job(database, "old", status, days=3)
    young = await make_ended_job(database, "young", status, days=1)
    assert await pruning.prune_rejected_rows(database, 2 * ONE_DAY, no_pause) == 1
    assert [await row_count(database, "migration_errors", job.id) for job in (old, young)] == [0, 1]
    assert (await get_job(database, "old")).failed == 1, "the counters stay: they are the outcome"


async def test_rejected_rows_of_unfinished_jobs_are_kept_at_any_age(
    database: Database,
) -> None:
    job, owned = await make_running_job(database)
    session = await BatchWriter.open(database, owned, minimal_dataset.MERGE)
    await session.write(make_batch(make_things(2), rejected=[3]))
    await session.close()
    await execute(database, "update migration.migration_errors set created_at = now() - interval '9 years'")
    assert await pruning.prune_rejected_rows(database, timedelta(), no_pause) == 0
    assert await row_count(database, "migration_errors", job.id) == 1


async def test_pruning_rejected_rows_emits_no_event(database: Database) -> None:
    before = await make_ended_job(database)
    events = await outbox_events(database, before.id)
    await pruning.prune_rejected_rows(database, ONE_DAY, no_pause)
    after = await get_job(database, "r-1")
    assert (after.sequence, after.status, after.completed_at) == (
        before.sequence,
        before.status,
        before.completed_at,
    )
    assert await outbox_events(database, before.id) == events


async def test_no_transaction_deletes_more_than_a_chunk(database: Database) -> None:
    job = await make_ended_job(database)
    await add_errors(database, job.id, 2_500)
    await count_deletes(database)
    assert await pruning.prune_rejected_rows(database, ONE_DAY, no_pause) == 2_501
    assert sorted(await deletes_per_transaction(database)) == [1, 501, 1_000, 1_000], (
        "the first is the refused row"
    )


async def test_failed_job_with_pruned_rows_is_retried_from_the_top(
    database: Database,
) -> None:
    await make_ended_job(database)
    await pruning.prune_rejected_rows(database, ONE_DAY, no_pause)
    async with database.transaction() as connection:
        assert await commands.apply_command(connection, "c-1", RETRY) is None
    job = await claims.claim(database, "owner", 60)
    assert job is not None
    assert (job.fingerprint, job.checkpoint, job.source_state) == (None, None, None)
    async with database.transaction() as connection:
        assert await rejected_rows.rejected_positions(connection, fencing_token(job)) == b""
        assert await database_rejections.list_database_rejections(connection, fencing_token(job)) == {}
        await job_progress.start_load(connection, fencing_token(job), "the file", None, {})
    session = await BatchWriter.open(database, fencing_token(job), minimal_dataset.MERGE)
    after = await session.write(make_batch(make_things(2, 3), rejected=[4]))
    await session.close()
    assert (after.processed, after.unchanged, after.failed, after.checkpoint) == (2, 2, 1, 4)
    assert "source_restarted" not in after.warnings


async def test_retry_during_pruning_keeps_remaining_rows_and_reads_from_the_top(
    database: Database,
) -> None:
    job = await make_ended_job(database)
    await add_errors(database, job.id, 1_500)
    left = []

    async def retry() -> None:
        left.append(await row_count(database, "migration_errors", job.id))
        async with database.transaction() as connection:
            await commands.apply_command(connection, "c-1", RETRY)

    assert await pruning.prune_rejected_rows(database, ONE_DAY, retry) == 1_000
    assert left == [501, 501]
    retried = await get_job(database, "r-1")
    assert (retried.status, retried.run, retried.fingerprint) == (Status.PENDING, 2, None)


async def test_failed_job_without_rejected_rows_continues_from_its_checkpoint(
    database: Database,
) -> None:
    job = await make_ended_job(database)
    await execute(database, "delete from migration.migration_errors")
    await pruning.prune_rejected_rows(database, ONE_DAY, no_pause)
    after = await get_job(database, "r-1")
    assert (after.fingerprint, after.checkpoint) == (job.fingerprint, job.checkpoint)


async def test_old_published_events_are_deleted_except_the_last_of_each_job(
    database: Database,
) -> None:
    jobs = [await make_ended_job(database, name, days=10) for name in ("r-1", "r-2")]
    young = await make_ended_job(database, "r-3", days=1)
    last_events = [(await outbox_events(database, job.id))[-1] for job in jobs]
    of_young = await outbox_events(database, young.id)
    assert await pruning.prune_events(database, 2 * ONE_DAY, no_pause) > 0
    assert [await outbox_events(database, job.id) for job in jobs] == [[event] for event in last_events]
    assert await outbox_events(database, young.id) == of_young


async def test_unpublished_event_is_kept_at_any_age(database: Database) -> None:
    job = await make_ended_job(database)
    await execute(database, "update migration.outbox set published_at = null")
    await execute(database, "update migration.outbox set created_at = now() - interval '9 years'")
    before = await outbox_events(database, job.id)
    assert await pruning.prune_events(database, timedelta(), no_pause) == 0
    assert await outbox_events(database, job.id) == before


async def test_events_without_a_job_are_deleted_by_age(database: Database) -> None:
    await execute(
        database,
        """insert into migration.outbox (request_id, sequence, payload, published_at)
           values ('old', 0, '{}', now() - interval '3 days'), ('young', 0, '{}', now() - interval '1 day'),
                  ('waiting', 0, '{}', null)""",
    )
    assert await pruning.prune_events(database, 2 * ONE_DAY, no_pause) == 1
    assert await fetch(database, "select request_id from migration.outbox order by id") == [
        ("young",),
        ("waiting",),
    ]


async def test_old_events_are_found_after_thousands_of_kept_ones(database: Database) -> None:
    await execute(
        database,
        """insert into migration.outbox (request_id, sequence, payload, published_at)
           select 'x', 0, '{}', now() - interval '3 days' + make_interval(secs => n / 2)
           from generate_series(1, 2500) n""",
    )
    job = await make_ended_job(database, days=2)
    before = len(await outbox_events(database, job.id))
    assert await pruning.prune_events(database, ONE_DAY, no_pause) == 2_500 + before - 1


async def test_decisions_on_commands_are_kept_for_their_retention(database: Database) -> None:
    await execute(
        database,
        """insert into migration.commands (command_id, request_id, action, accepted, created_at)
           select 'old ' || n, 'r', 'retry', true, now() - interval '3 days' from generate_series(1, 1500) n
           union all select 'young', 'r', 'retry', true, now() - interval '1 day'""",
    )
    breaths = 0

    async def look() -> None:
        nonlocal breaths
        breaths += 1

    assert await pruning.prune_commands(database, 2 * ONE_DAY, look) == 1_500
    assert breaths == 1
    assert await fetch(database, "select command_id from migration.commands") == [("young",)]


async def test_second_delivery_of_a_decided_command_does_not_act(database: Database) -> None:
    await make_pending_job(database)
    cancel = CancelRequest(action="cancel", request_id="r-1")
    async with database.transaction() as connection:
        await commands.apply_command(connection, "c-1", cancel)
    await pruning.prune_commands(database, ONE_DAY, no_pause)
    async with database.transaction() as connection:
        assert await commands.apply_command(connection, "c-1", cancel) is None


async def test_nothing_recent_is_deleted(database: Database) -> None:
    for number, status in enumerate((Status.COMPLETED, Status.FAILED, Status.CANCELLED)):
        await make_ended_job(database, f"r-{number}", status, days=1)
    await record_request(database, "waiting")
    before = await snapshot(database)
    for prune in (pruning.prune_rejected_rows, pruning.prune_events, pruning.prune_commands):
        assert await prune(database, 2 * ONE_DAY, no_pause) == 0
    assert await snapshot(database) == before
