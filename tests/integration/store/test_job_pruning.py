"""Old jobs are deleted, their request ids stay: a repeated request starts nothing and is answered."""

import asyncio
import json
from typing import Any

import pytest

from consumer.store import archived_requests, commands, leases, outbox, pruning, requests
from consumer.store.database import Database
from consumer.store.leases import RELAY_LEASE
from consumer.store.outbox import OutboxEvent
from consumer.store.pruning import lock_finished_job
from consumer.store.queue_stats import fetch_queue_stats
from consumer.store.requests import RecordOutcome
from schemas.requests import CancelRequest, RetryRequest
from schemas.status import Status
from tests.integration.store.old_jobs import (
    ONE_DAY,
    add_errors,
    count_deletes,
    deletes_per_transaction,
    make_ended_job,
    no_pause,
)
from tests.support.job_factories import (
    LIMITS,
    execute,
    fetch,
    get_job,
    is_waiting_for_lock,
    make_pending_job,
    make_request,
    make_running_job,
    record_request,
    rolled_back,
    snapshot,
)
from tests.support.wait import wait_until_async

CANCEL = CancelRequest(action="cancel", request_id="r-1")
RETRY = RetryRequest(action="retry", request_id="r-1")
Command = CancelRequest | RetryRequest


async def _make_removed_job(database: Database) -> OutboxEvent:
    """Delete a job; returns its last event as the relay read it."""
    await make_ended_job(database)
    async with database.transaction() as connection:
        job = await requests.record(connection, "r-1", make_request(), LIMITS, None)
        assert job is RecordOutcome.DUPLICATE
        [last] = await outbox.fetch_pending(connection, 10, 2**20)
    await execute(database, "update migration.outbox set published_at = now() - interval '10 days'")
    assert await pruning.prune_jobs(database, ONE_DAY, no_pause) == 1
    assert await _rows_left(database) == []
    return last


async def _rows_left(database: Database) -> list[tuple[Any, ...]]:
    """Jobs, and all rows that belong to one."""
    return await fetch(
        database,
        """select 'job', request_id from migration.jobs
           union all select 'event', request_id from migration.outbox
           union all select 'rejected', job_id::text from migration.migration_errors
           union all select 'refused', job_id::text from migration.database_rejections
           union all select 'attempt', job_id::text from migration.attempts
           union all select 'rejected count', job_id::text from migration.rejected_counts
           union all select 'lease', name from migration.leases""",
    )


async def _apply_command(database: Database, command: Command, command_id: str = "c-1") -> str | None:
    async with database.transaction() as connection:
        return await commands.apply_command(connection, command_id, command)


async def _pending_events(database: Database) -> list[OutboxEvent]:
    async with database.transaction() as connection:
        return await outbox.fetch_pending(connection, 10, 2**20)


async def _publish_all(database: Database) -> None:
    """Publish all pending events, as the relay does."""
    async with database.transaction() as connection:
        token = await leases.try_acquire(connection, RELAY_LEASE, "relay", 60)
        assert token is not None
        await outbox.mark_published(connection, await outbox.fetch_pending(connection, 10, 2**20), token)
        await leases.release(connection, RELAY_LEASE, token)


def _is_same_event(again: OutboxEvent, before: OutboxEvent) -> bool:
    """Whether both events have the same payload, id, time and headers."""
    resent = (again.request_id, again.event_id, again.payload, again.headers, again.created_at)
    return resent == (before.request_id, before.event_id, before.payload, before.headers, before.created_at)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
async def test_old_finished_job_is_deleted_with_all_its_rows(database: Database, status: Status) -> None:
    old = await make_ended_job(database, "old", status, days=3)
    await make_ended_job(database, "young", status, days=1)
    assert await pruning.prune_jobs(database, 2 * ONE_DAY, no_pause) == 1
    assert {name for kind, name in await _rows_left(database) if kind == "job"} == {"young"}
    assert ("event", "old") not in await _rows_left(database)
    past = "select request_id, job_id, sequence, completed_at from migration.archived_requests"
    assert await fetch(database, past) == [("old", old.id, old.sequence, old.completed_at)]


async def test_unfinished_job_is_kept_at_any_age(database: Database) -> None:
    await make_pending_job(database, "waiting")
    await execute(database, "update migration.jobs set available_at = now() + interval '1 day'")
    await make_running_job(database, "running")
    for column in ("created_at", "updated_at", "started_at"):
        await execute(database, f"update migration.jobs set {column} = now() - interval '9 years'")
    await execute(database, "update migration.outbox set published_at = now() - interval '9 years'")
    before = await snapshot(database)
    assert await pruning.prune_jobs(database, 0 * ONE_DAY, no_pause) == 0
    assert await snapshot(database) == before


@pytest.mark.parametrize("which", ["min", "max"])
async def test_job_with_an_unpublished_event_is_kept_completely(database: Database, which: str) -> None:
    await make_ended_job(database)
    unpublish = f"""update migration.outbox set published_at = null
                    where id = (select {which}(id) from migration.outbox)"""
    await execute(database, unpublish)
    before = await snapshot(database)
    assert await pruning.prune_jobs(database, ONE_DAY, no_pause) == 0
    assert await snapshot(database) == before
    await _publish_all(database)
    assert await pruning.prune_jobs(database, ONE_DAY, no_pause) == 1


MANY_COUNTS = """
insert into migration.rejected_counts (job_id, code, rows)
select $1, 'code ' || n, 1 from generate_series(1, 2200) n
"""
MANY_ATTEMPTS = """
insert into migration.attempts (job_id, token, run, attempt, replica, started_at)
select $1, -n, 1, 1, 'replica', now() from generate_series(1, 2200) n
"""


async def test_rows_of_a_job_are_deleted_in_chunks_before_the_job(database: Database) -> None:
    job = await make_ended_job(database)
    await add_errors(database, job.id, 2_500)
    await execute(
        database,
        """insert into migration.outbox (job_id, request_id, sequence, payload, published_at)
           select $1, 'r-1', -n, '{}', now() from generate_series(1, 1500) n""",
        job.id,
    )
    await execute(database, MANY_COUNTS, job.id)
    await execute(database, MANY_ATTEMPTS, job.id)
    await count_deletes(database)
    assert await pruning.prune_jobs(database, ONE_DAY, no_pause) == 1
    assert await _rows_left(database) == []
    assert max(await deletes_per_transaction(database)) == 1_000


@pytest.mark.parametrize(
    "table", ["migration_errors", "database_rejections", "outbox", "attempts", "rejected_counts"]
)
async def test_job_with_rows_added_during_pruning_is_kept(database: Database, table: str) -> None:
    job_id = await _make_emptied_job(database, but=table)
    async with database.transaction() as connection:
        assert not await pruning.archive_and_delete(connection, job_id, ONE_DAY)
    assert await fetch(database, "select * from migration.archived_requests") == []
    assert (await get_job(database, "r-1")).id == job_id


async def test_failed_deletion_keeps_the_job_and_archives_nothing(database: Database) -> None:
    await make_ended_job(database)
    await execute(database, "create table migration.bound (job_id bigint references migration.jobs)")
    await execute(database, "insert into migration.bound select id from migration.jobs")
    with pytest.raises(Exception, match="23503"):
        await pruning.prune_jobs(database, ONE_DAY, no_pause)
    assert await fetch(database, "select * from migration.archived_requests") == []
    assert await record_request(database, "r-1") is RecordOutcome.DUPLICATE


async def test_archived_request_resends_its_last_event_unchanged(
    database: Database,
) -> None:
    last = await _make_removed_job(database)
    assert await record_request(database, "r-1") is RecordOutcome.DUPLICATE
    [again] = await _pending_events(database)
    assert _is_same_event(again, last)
    sequence = json.loads(last.payload)["sequence"]
    assert await fetch(database, "select job_id, sequence from migration.outbox") == [(None, sequence)]
    assert await fetch(database, "select * from migration.jobs") == []


async def test_archived_request_can_be_repeated_many_times(database: Database) -> None:
    last = await _make_removed_job(database)
    await record_request(database, "r-1")
    [seen] = await _pending_events(database)
    await record_request(database, "r-1")
    [again] = await _pending_events(database)
    assert _is_same_event(again, last)
    assert again.resend_generation == seen.resend_generation + 1, (
        "a mark for the first asking must not count for the second"
    )
    await _publish_all(database)
    assert await _pending_events(database) == []
    await record_request(database, "r-1")
    assert len(await _pending_events(database)) == 1
    assert await fetch(database, "select count(*) from migration.outbox") == [(1,)]


async def test_archived_id_with_another_body_is_rejected(database: Database) -> None:
    await _make_removed_job(database)
    assert await record_request(database, "r-1", make_request("another.xlsx")) is RecordOutcome.ID_REUSED
    assert await _rows_left(database) == []


async def test_resent_event_of_an_archived_request_does_not_count_as_late(database: Database) -> None:
    """It is as old as its job; only events that were never sent count as late."""
    await _make_removed_job(database)
    assert await record_request(database, "r-1") is RecordOutcome.DUPLICATE
    async with database.read_transaction() as connection:
        found = await fetch_queue_stats(connection)
    assert (found.pending_events, found.oldest_pending_seconds) == (1, 0.0)


async def test_archived_request_is_known(database: Database) -> None:
    await _make_removed_job(database)
    async with database.transaction() as connection:
        assert await requests.is_known(connection, "r-1")
        assert not await requests.is_known(connection, "r-2")


@pytest.mark.parametrize("command", [CANCEL, RETRY], ids=["cancel", "retry"])
async def test_command_for_a_deleted_job_is_rejected_and_resends_its_event(
    database: Database, command: Command
) -> None:
    last = await _make_removed_job(database)
    ((day,),) = await fetch(database, "select completed_at::date::text from migration.archived_requests")
    assert await _apply_command(database, command) == (
        f"it ended on {day} and its job was removed; start the source again under a new request id"
    )
    [again] = await _pending_events(database)
    assert _is_same_event(again, last)
    assert await fetch(database, "select accepted from migration.commands") == [(False,)]


async def test_command_accepted_before_its_job_was_deleted_stays_accepted(
    database: Database,
) -> None:
    await make_ended_job(database)
    insert = "insert into migration.commands (command_id, request_id, action, accepted)"
    await execute(database, f"{insert} values ('c-1', 'r-1', 'cancel', true)")
    await pruning.prune_jobs(database, ONE_DAY, no_pause)
    assert await _apply_command(database, CANCEL) is None
    assert await _pending_events(database) == []


async def _start_and_wait_for_lock(neighbour: Database, work: Any) -> asyncio.Future[Any]:
    """A task that waits for a transaction of the other replica."""
    meeting: asyncio.Future[Any] = asyncio.ensure_future(work)

    async def waits() -> bool:
        return meeting.done() or await is_waiting_for_lock(neighbour, "migration.jobs")

    await wait_until_async(waits, 10, "the work to meet the removal")
    assert not meeting.done()
    return meeting


async def _run_during_removal(neighbour: Database, job_id: int, work: Any) -> Any:
    """The result of work that starts during a deletion which is not committed yet."""
    async with neighbour.transaction() as connection:
        assert await pruning.archive_and_delete(connection, job_id, ONE_DAY)
        meeting = await _start_and_wait_for_lock(neighbour, work)
    return await meeting


async def _make_emptied_job(database: Database, *, but: str = "") -> int:
    """A job without other rows, `but` for those of one table."""
    job = await make_ended_job(database)
    leftovers = {
        "migration_errors": "delete from migration.migration_errors where job_id = $1",
        "database_rejections": "delete from migration.database_rejections where job_id = $1",
        "outbox": """delete from migration.outbox where job_id = $1
                     and sequence < (select sequence from migration.jobs where id = $1)""",
        "attempts": "delete from migration.attempts where job_id = $1",
        "rejected_counts": "delete from migration.rejected_counts where job_id = $1",
    }
    for table, statement in leftovers.items():
        if table != but:
            await execute(database, statement, job.id)
    return job.id


async def test_start_during_the_deletion_of_its_job_starts_nothing(
    database: Database, other_replica_database: Database
) -> None:
    job_id = await _make_emptied_job(database)
    assert (
        await _run_during_removal(other_replica_database, job_id, record_request(database, "r-1"))
        is RecordOutcome.DUPLICATE
    )
    assert await fetch(database, "select * from migration.jobs") == []
    assert [event.request_id for event in await _pending_events(database)] == ["r-1"]


async def test_start_just_before_the_deletion_of_its_job_is_answered(
    database: Database, other_replica_database: Database
) -> None:
    job_id = await _make_emptied_job(database)
    async with other_replica_database.transaction() as connection:
        assert await lock_finished_job(connection, job_id, ONE_DAY)
        assert await archived_requests.archive(connection, job_id)
        meeting = await _start_and_wait_for_lock(other_replica_database, record_request(database, "r-1"))
        await connection.execute(pruning.DELETE_JOB, job_id)
    assert await meeting is RecordOutcome.DUPLICATE
    assert [event.request_id for event in await _pending_events(database)] == ["r-1"]


async def test_retry_during_the_deletion_of_its_job_is_rejected(
    database: Database, other_replica_database: Database
) -> None:
    job_id = await _make_emptied_job(database)
    assert "its job was removed" in await _run_during_removal(
        other_replica_database, job_id, _apply_command(database, RETRY)
    )
    assert [event.request_id for event in await _pending_events(database)] == ["r-1"]


async def test_pruning_skips_a_job_locked_by_intake(
    database: Database, other_replica_database: Database
) -> None:
    job_id = await _make_emptied_job(database)
    async with other_replica_database.transaction() as connection:
        assert (
            await requests.record(connection, "r-1", make_request(), LIMITS, None) is RecordOutcome.DUPLICATE
        )
        async with database.transaction() as other:
            assert not await pruning.archive_and_delete(other, job_id, ONE_DAY)
    assert [event.request_id for event in await _pending_events(database)] == ["r-1"]
    assert (await get_job(database, "r-1")).id == job_id


async def test_rolled_back_start_does_not_change_an_archived_request(database: Database) -> None:
    await _make_removed_job(database)
    async with rolled_back(database) as connection:
        await requests.record(connection, "r-1", make_request(), LIMITS, None)
    assert await _rows_left(database) == []
    assert await record_request(database, "r-1") is RecordOutcome.DUPLICATE
