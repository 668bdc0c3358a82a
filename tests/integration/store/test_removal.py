"""A job that ended long ago goes, its request id stays: it starts nothing, and is answered as ever."""

import asyncio
import json
from typing import Any

import pytest

from consumer.store import commands, leases, outbox, past_requests, removal, requests
from consumer.store.database import Database
from consumer.store.ended import lock
from consumer.store.figures import figures
from consumer.store.leases import RELAY
from consumer.store.outbox import Unpublished
from consumer.store.requests import Recorded
from schemas.requests import CancelRequest, RetryRequest
from schemas.status import Status
from tests.integration.store.aging import DAY, add_errors, breathe, ended, weigh, weights
from tests.integration.store.making import (
    LIMITS,
    broken_off,
    change,
    named,
    pending,
    record,
    request,
    rows,
    running,
    snapshot,
    waits_for,
)
from tests.support.wait import until_async

CANCEL = CancelRequest(action="cancel", request_id="r-1")
RETRY = RetryRequest(action="retry", request_id="r-1")
Command = CancelRequest | RetryRequest


async def _removed(database: Database) -> Unpublished:
    """A job that was removed; its last event, as the relay saw it."""
    await ended(database)
    async with database.transaction() as connection:
        job = await requests.record(connection, "r-1", request(), LIMITS, None)
        assert job is Recorded.REPEATED
        [last] = await outbox.unpublished(connection, 10, 2**20)
    await change(database, "update migration.outbox set published_at = now() - interval '10 days'")
    assert await removal.prune_jobs(database, DAY, breathe) == 1
    assert await _left(database) == []
    return last


async def _left(database: Database) -> list[tuple[Any, ...]]:
    """Jobs, and everything that hangs on one."""
    return await rows(
        database,
        """select 'job', request_id from migration.jobs
           union all select 'event', request_id from migration.outbox
           union all select 'rejected', job_id::text from migration.migration_errors
           union all select 'refused', job_id::text from migration.refused_rows
           union all select 'attempt', job_id::text from migration.attempts
           union all select 'rejected count', job_id::text from migration.rejected_counts
           union all select 'lease', name from migration.leases""",
    )


async def _obey(database: Database, command: Command, command_id: str = "c-1") -> str | None:
    async with database.transaction() as connection:
        return await commands.obey(connection, command_id, command)


async def _waiting(database: Database) -> list[Unpublished]:
    async with database.transaction() as connection:
        return await outbox.unpublished(connection, 10, 2**20)


async def _send(database: Database) -> None:
    """What the relay does with all that waits."""
    async with database.transaction() as connection:
        token = await leases.elect(connection, RELAY, "relay", 60)
        assert token is not None
        await outbox.mark_published(connection, await outbox.unpublished(connection, 10, 2**20), token)
        await leases.release(connection, RELAY, token)


def _same(again: Unpublished, before: Unpublished) -> bool:
    """Whether subscribers get what they got: the body, its id, its time, where it came from."""
    told = (again.request_id, again.event_id, again.payload, again.headers, again.created_at)
    return told == (before.request_id, before.event_id, before.payload, before.headers, before.created_at)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
async def test_a_job_goes_when_it_ended_long_enough_ago_with_all_that_hangs_on_it(
    database: Database, status: Status
) -> None:
    old = await ended(database, "old", status, days=3)
    await ended(database, "young", status, days=1)
    assert await removal.prune_jobs(database, 2 * DAY, breathe) == 1
    assert {name for kind, name in await _left(database) if kind == "job"} == {"young"}
    assert ("event", "old") not in await _left(database)
    past = "select request_id, job_id, sequence, completed_at from migration.past_requests"
    assert await rows(database, past) == [("old", old.id, old.sequence, old.completed_at)]


async def test_a_job_that_has_not_ended_stays_however_old_it_is(database: Database) -> None:
    await pending(database, "waiting")
    await change(database, "update migration.jobs set available_at = now() + interval '1 day'")
    await running(database, "running")
    for column in ("created_at", "updated_at", "started_at"):
        await change(database, f"update migration.jobs set {column} = now() - interval '9 years'")
    await change(database, "update migration.outbox set published_at = now() - interval '9 years'")
    before = await snapshot(database)
    assert await removal.prune_jobs(database, 0 * DAY, breathe) == 0
    assert await snapshot(database) == before


@pytest.mark.parametrize("which", ["min", "max"])
async def test_a_job_of_which_something_waits_to_be_published_stays_whole(
    database: Database, which: str
) -> None:
    await ended(database)
    unpublish = f"""update migration.outbox set published_at = null
                    where id = (select {which}(id) from migration.outbox)"""
    await change(database, unpublish)
    before = await snapshot(database)
    assert await removal.prune_jobs(database, DAY, breathe) == 0
    assert await snapshot(database) == before
    await _send(database)
    assert await removal.prune_jobs(database, DAY, breathe) == 1


MANY_COUNTS = """
insert into migration.rejected_counts (job_id, code, rows)
select $1, 'code ' || n, 1 from generate_series(1, 2200) n
"""
MANY_ATTEMPTS = """
insert into migration.attempts (job_id, token, run, attempt, replica, started_at)
select $1, -n, 1, 1, 'replica', now() from generate_series(1, 2200) n
"""


async def test_a_job_is_emptied_in_pieces_before_it_goes(database: Database) -> None:
    job = await ended(database)
    await add_errors(database, job.id, 2_500)
    await change(
        database,
        """insert into migration.outbox (job_id, request_id, sequence, payload, published_at)
           select $1, 'r-1', -n, '{}', now() from generate_series(1, 1500) n""",
        job.id,
    )
    await change(database, MANY_COUNTS, job.id)
    await change(database, MANY_ATTEMPTS, job.id)
    await weigh(database)
    assert await removal.prune_jobs(database, DAY, breathe) == 1
    assert await _left(database) == []
    assert max(await weights(database)) == 1_000


@pytest.mark.parametrize(
    "table", ["migration_errors", "refused_rows", "outbox", "attempts", "rejected_counts"]
)
async def test_what_came_to_a_job_since_it_was_emptied_keeps_it_there(database: Database, table: str) -> None:
    job_id = await _nearly_removed(database, but=table)
    async with database.transaction() as connection:
        assert not await removal.remove(connection, job_id, DAY)
    assert await rows(database, "select * from migration.past_requests") == []
    assert (await named(database, "r-1")).id == job_id


async def test_a_removal_that_fails_leaves_the_job_and_no_memory(database: Database) -> None:
    await ended(database)
    await change(database, "create table migration.bound (job_id bigint references migration.jobs)")
    await change(database, "insert into migration.bound select id from migration.jobs")
    with pytest.raises(Exception, match="23503"):
        await removal.prune_jobs(database, DAY, breathe)
    assert await rows(database, "select * from migration.past_requests") == []
    assert await record(database, "r-1") is Recorded.REPEATED


async def test_a_past_request_starts_nothing_and_has_its_last_event_sent_as_it_was(
    database: Database,
) -> None:
    last = await _removed(database)
    assert await record(database, "r-1") is Recorded.REPEATED
    [again] = await _waiting(database)
    assert _same(again, last)
    sequence = json.loads(last.payload)["sequence"]
    assert await rows(database, "select job_id, sequence from migration.outbox") == [(None, sequence)]
    assert await rows(database, "select * from migration.jobs") == []


async def test_a_past_request_can_be_repeated_again_and_again(database: Database) -> None:
    last = await _removed(database)
    await record(database, "r-1")
    [seen] = await _waiting(database)
    await record(database, "r-1")
    [again] = await _waiting(database)
    assert _same(again, last)
    assert again.sends == seen.sends + 1, "a mark for the first asking must not count for the second"
    await _send(database)
    assert await _waiting(database) == []
    await record(database, "r-1")
    assert len(await _waiting(database)) == 1
    assert await rows(database, "select count(*) from migration.outbox") == [(1,)]


async def test_the_id_of_a_past_request_with_another_body_is_refused(database: Database) -> None:
    await _removed(database)
    assert await record(database, "r-1", request("another.xlsx")) is Recorded.REUSED
    assert await _left(database) == []


async def test_the_last_event_of_a_past_request_is_not_late(database: Database) -> None:
    """It is as old as its job; only what was never sent tells how late we are."""
    await _removed(database)
    assert await record(database, "r-1") is Recorded.REPEATED
    async with database.reader() as connection:
        found = await figures(connection)
    assert (found.unpublished, found.oldest_seconds) == (1, 0.0)


async def test_a_past_request_is_known(database: Database) -> None:
    await _removed(database)
    async with database.transaction() as connection:
        assert await requests.is_known(connection, "r-1")
        assert not await requests.is_known(connection, "r-2")


@pytest.mark.parametrize("command", [CANCEL, RETRY], ids=["cancel", "retry"])
async def test_a_command_for_a_removed_job_is_refused_with_what_to_do_and_answered(
    database: Database, command: Command
) -> None:
    last = await _removed(database)
    ((day,),) = await rows(database, "select completed_at::date::text from migration.past_requests")
    assert await _obey(database, command) == (
        f"it ended on {day} and its job was removed; start the source again under a new request id"
    )
    [again] = await _waiting(database)
    assert _same(again, last)
    assert await rows(database, "select obeyed from migration.commands") == [(False,)]


async def test_a_command_that_was_obeyed_before_its_job_was_removed_is_not_refused_now(
    database: Database,
) -> None:
    await ended(database)
    insert = "insert into migration.commands (command_id, request_id, action, obeyed)"
    await change(database, f"{insert} values ('c-1', 'r-1', 'cancel', true)")
    await removal.prune_jobs(database, DAY, breathe)
    assert await _obey(database, CANCEL) is None
    assert await _waiting(database) == []


async def _meets(neighbour: Database, work: Any) -> asyncio.Future[Any]:
    """Work that has begun, and waits for a transaction of the neighbour."""
    meeting: asyncio.Future[Any] = asyncio.ensure_future(work)

    async def waits() -> bool:
        return meeting.done() or await waits_for(neighbour, "migration.jobs")

    await until_async(waits, 10, "the work to meet the removal")
    assert not meeting.done()
    return meeting


async def _removing(neighbour: Database, job_id: int, work: Any) -> Any:
    """What comes of work that meets a removal which is not committed yet."""
    async with neighbour.transaction() as connection:
        assert await removal.remove(connection, job_id, DAY)
        meeting = await _meets(neighbour, work)
    return await meeting


async def _nearly_removed(database: Database, *, but: str = "") -> int:
    """An emptied job, `but` for the rows of one table."""
    job = await ended(database)
    leftovers = {
        "migration_errors": "delete from migration.migration_errors where job_id = $1",
        "refused_rows": "delete from migration.refused_rows where job_id = $1",
        "outbox": """delete from migration.outbox where job_id = $1
                     and sequence < (select sequence from migration.jobs where id = $1)""",
        "attempts": "delete from migration.attempts where job_id = $1",
        "rejected_counts": "delete from migration.rejected_counts where job_id = $1",
    }
    for table, statement in leftovers.items():
        if table != but:
            await change(database, statement, job.id)
    return job.id


async def test_a_start_that_meets_the_removal_of_its_job_starts_nothing(
    database: Database, neighbour: Database
) -> None:
    job_id = await _nearly_removed(database)
    assert await _removing(neighbour, job_id, record(database, "r-1")) is Recorded.REPEATED
    assert await rows(database, "select * from migration.jobs") == []
    assert [event.request_id for event in await _waiting(database)] == ["r-1"]


async def test_a_start_that_found_the_job_just_before_it_was_removed_is_answered(
    database: Database, neighbour: Database
) -> None:
    job_id = await _nearly_removed(database)
    async with neighbour.transaction() as connection:
        assert await lock(connection, job_id, DAY)
        assert await past_requests.remember(connection, job_id)
        meeting = await _meets(neighbour, record(database, "r-1"))
        await connection.execute(removal.DELETE, job_id)
    assert await meeting is Recorded.REPEATED
    assert [event.request_id for event in await _waiting(database)] == ["r-1"]


async def test_a_retry_that_meets_the_removal_of_its_job_is_refused(
    database: Database, neighbour: Database
) -> None:
    job_id = await _nearly_removed(database)
    assert "its job was removed" in await _removing(neighbour, job_id, _obey(database, RETRY))
    assert [event.request_id for event in await _waiting(database)] == ["r-1"]


async def test_a_removal_passes_by_a_job_that_is_being_answered(
    database: Database, neighbour: Database
) -> None:
    job_id = await _nearly_removed(database)
    async with neighbour.transaction() as connection:
        assert await requests.record(connection, "r-1", request(), LIMITS, None) is Recorded.REPEATED
        async with database.transaction() as other:
            assert not await removal.remove(other, job_id, DAY)
    assert [event.request_id for event in await _waiting(database)] == ["r-1"]
    assert (await named(database, "r-1")).id == job_id


async def test_a_start_that_is_taken_back_leaves_a_past_request_as_it_was(database: Database) -> None:
    await _removed(database)
    async with broken_off(database) as connection:
        await requests.record(connection, "r-1", request(), LIMITS, None)
    assert await _left(database) == []
    assert await record(database, "r-1") is Recorded.REPEATED
