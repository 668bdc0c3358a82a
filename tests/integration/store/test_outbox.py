"""The outbox: no event is skipped, no sequence is used twice, and no resend is lost."""

import asyncio
from datetime import datetime, timedelta

from consumer.lifecycle import Requeue
from consumer.relay.outbox_progress import NO_PROGRESS_SECONDS, OutboxProgress
from consumer.store import claims, job_progress, leases, outbox, requests, transitions
from consumer.store.database import Database
from consumer.store.leases import RELAY_LEASE
from consumer.store.outbox import OutboxEvent
from tests.support.job_factories import (
    LIMITS,
    execute,
    fencing_token,
    fetch,
    is_waiting_for_lock,
    make_pending_job,
    make_request,
    make_running_job,
    outbox_events,
    record_request,
    rolled_back,
)
from tests.support.wait import wait_until_async


async def _elect_relay(database: Database) -> int:
    async with database.transaction() as connection:
        token = await leases.try_acquire(connection, RELAY_LEASE, "relay", 60)
    assert token is not None
    return token


async def _pending_events(database: Database) -> list[OutboxEvent]:
    async with database.transaction() as connection:
        return await outbox.fetch_pending(connection, 100, 2**20)


async def _mark(database: Database, sent: list[OutboxEvent], token: int) -> None:
    async with database.transaction() as connection:
        await outbox.mark_published(connection, sent, token)


async def _resend_event(database: Database, job_id: int) -> None:
    async with database.transaction() as connection:
        await outbox.resend_last_event(connection, job_id)


async def test_concurrent_writers_leave_no_gap_in_sequence(
    database: Database, other_replica_database: Database
) -> None:
    job, owned = await make_running_job(database)

    async def write(replica: Database, name: str) -> None:
        for n in range(20):
            async with replica.transaction() as connection:
                await job_progress.set_detail(connection, owned, f"{name} {n}")

    writers = [
        write(replica, f"{replica is database} {n}")
        for replica in (database, other_replica_database)
        for n in range(3)
    ]
    await asyncio.gather(*writers)
    events = await outbox_events(database, job.id)
    assert [event["sequence"] for event in events] == list(range(1, 2 + 6 * 20 + 1))


async def test_rolled_back_write_leaves_no_gap(database: Database) -> None:
    job, owned = await make_running_job(database)
    async with rolled_back(database) as connection:
        await job_progress.set_detail(connection, owned, "never")
    async with database.transaction() as connection:
        await job_progress.set_detail(connection, owned, "waiting")
    assert [event["sequence"] for event in await outbox_events(database, job.id)] == [1, 2, 3]


async def test_event_committed_after_higher_id_is_not_skipped(
    database: Database, other_replica_database: Database
) -> None:
    token = await _elect_relay(database)
    async with other_replica_database.transaction() as connection:
        await requests.record(connection, "slow", make_request(), LIMITS, None)
        await record_request(database, "quick")
        (quick,) = await _pending_events(database)
        await _mark(database, [quick], token)
    (slow,) = await _pending_events(database)
    assert (slow.request_id, slow.id < quick.id) == ("slow", True)


async def test_events_of_job_are_ordered(database: Database) -> None:
    job, owned = await make_running_job(database)
    for _ in range(3):
        async with database.transaction() as connection:
            again = Requeue(timedelta(), consumes_attempt=False)
            await transitions.apply(connection, job.id, owned.token, again)
        claimed = await claims.claim(database, "owner", 60)
        assert claimed is not None
        owned = fencing_token(claimed)
    waiting = await _pending_events(database)
    assert [event.id for event in waiting] == sorted(event.id for event in waiting)
    assert len(waiting) == 8


async def test_marked_event_is_not_sent_again(database: Database) -> None:
    token = await _elect_relay(database)
    await make_pending_job(database)
    await _mark(database, await _pending_events(database), token)
    assert await _pending_events(database) == []


async def test_resend_sends_the_last_event_unchanged(database: Database) -> None:
    token = await _elect_relay(database)
    job, _ = await make_running_job(database)
    sent = await _pending_events(database)
    await _mark(database, sent, token)
    await _resend_event(database, job.id)
    (again,) = await _pending_events(database)
    assert (again.event_id, again.payload) == (sent[-1].event_id, sent[-1].payload)


async def test_resend_waits_for_a_concurrent_event_and_sends_it(
    database: Database, other_replica_database: Database
) -> None:
    token = await _elect_relay(database)
    job, owned = await make_running_job(database)
    await _mark(database, await _pending_events(database), token)
    async with other_replica_database.transaction() as connection:
        await job_progress.set_detail(connection, owned, "newer")
        resend = asyncio.create_task(_resend_event(database, job.id))

        async def waits() -> bool:
            return resend.done() or await is_waiting_for_lock(other_replica_database, "migration.jobs")

        await wait_until_async(waits, 10, "the asking to wait")
    await resend
    assert [
        (event.resend_generation, "newer" in event.payload) for event in await _pending_events(database)
    ] == [(1, True)]


async def test_mark_is_ignored_after_another_resend(database: Database) -> None:
    token = await _elect_relay(database)
    job = await make_pending_job(database)
    seen = await _pending_events(database)
    await _resend_event(database, job.id)
    await _mark(database, seen, token)
    (still,) = await _pending_events(database)
    assert still.resend_generation == seen[0].resend_generation + 1
    await _mark(database, [still], token)
    assert await _pending_events(database) == []


async def test_mark_does_not_wait_for_a_resend(database: Database) -> None:
    """Both lock many events, in different orders: waiting could deadlock."""
    token = await _elect_relay(database)
    job = await make_pending_job(database, "r-1")
    await make_pending_job(database, "r-2")
    seen = await _pending_events(database)
    async with database.transaction() as connection:
        await outbox.resend_last_event(connection, job.id)
        async with asyncio.timeout(5):
            await _mark(database, seen, token)
    (still,) = await _pending_events(database)
    assert (still.id, still.resend_generation) == (seen[0].id, seen[0].resend_generation + 1)


async def test_replaced_relay_marks_nothing(database: Database) -> None:
    token = await _elect_relay(database)
    await make_pending_job(database)
    seen = await _pending_events(database)
    await execute(
        database, "update migration.leases set expires_at = clock_timestamp() - interval '1 second'"
    )
    successor = await _elect_relay(database)
    await _mark(database, seen, token)
    assert await _pending_events(database) == seen
    await _mark(database, seen, successor)
    assert await _pending_events(database) == []


async def _republish_all(database: Database, limit: int = 100) -> int:
    """Resend as a new relay does; returns the number of chunks."""
    pieces, resent = 0, None
    while pieces == 0 or resent is not None:
        async with database.transaction() as connection:
            resent = await outbox.resend_chunk(connection, resent, limit)
        pieces += 1
    return pieces


async def test_new_relay_resends_last_event_of_recently_published_jobs(
    database: Database,
) -> None:
    token = await _elect_relay(database)
    await make_running_job(database, "new")
    await make_pending_job(database, "old")
    await _mark(database, await _pending_events(database), token)
    old = "published_at = published_at - interval '6 minutes' where request_id = 'old'"
    await execute(database, f"update migration.outbox set {old}")
    await _republish_all(database)
    [again] = await _pending_events(database)
    assert (again.request_id, again.resend_generation) == ("new", 1)
    assert '"sequence":2,' in again.payload


async def test_job_with_a_newer_unpublished_event_is_not_resent(database: Database) -> None:
    token = await _elect_relay(database)
    await make_running_job(database)
    sent = await _pending_events(database)
    await _mark(database, sent[:1], token)
    await _republish_all(database)
    assert await _pending_events(database) == sent[1:]


async def test_resending_in_chunks_finds_each_job_once(database: Database) -> None:
    token = await _elect_relay(database)
    _, owned = await make_running_job(database, "r-0")
    for n in range(1, 10):
        await make_pending_job(database, f"r-{n}")
    for n in range(4):
        async with database.transaction() as connection:
            await job_progress.set_detail(connection, owned, f"{n}")
    await _mark(database, await _pending_events(database), token)
    assert await _republish_all(database, 3) == 6, "15 events, 3 a piece, and a look at the end"
    again = await _pending_events(database)
    assert sorted(event.request_id for event in again) == sorted(f"r-{n}" for n in range(10))
    assert {event.resend_generation for event in again} == {1}


async def test_event_published_during_resend_is_not_resent(database: Database) -> None:
    """Otherwise a fast relay would never finish."""
    token = await _elect_relay(database)
    await make_pending_job(database, "a")
    await _mark(database, await _pending_events(database), token)
    async with database.transaction() as connection:
        resent = await outbox.resend_chunk(connection, None, 1)
    await make_pending_job(database, "b")
    await _mark(database, await _pending_events(database), token)
    async with database.transaction() as connection:
        assert await outbox.resend_chunk(connection, resent, 1) is None
    assert await _pending_events(database) == []


ENLARGE_EVENT = "update migration.outbox set payload = repeat('x', $2) where request_id = $1"


async def _page(database: Database, limit: int, limit_bytes: int) -> list[str]:
    async with database.transaction() as connection:
        return [event.request_id for event in await outbox.fetch_pending(connection, limit, limit_bytes)]


async def test_page_ends_where_its_payloads_reach_the_limit(database: Database) -> None:
    for request_id in ("a", "b", "c", "d"):
        await make_pending_job(database, request_id)
        await execute(database, ENLARGE_EVENT, request_id, 1_000)
    assert await _page(database, 10, 10_000) == ["a", "b", "c", "d"]
    assert await _page(database, 3, 10_000) == ["a", "b", "c"]
    assert await _page(database, 10, 2_000) == ["a", "b"]
    assert await _page(database, 10, 2_001) == ["a", "b", "c"]


async def test_event_larger_than_a_page_is_returned_alone(database: Database) -> None:
    await make_pending_job(database, "a")
    await make_pending_job(database, "b")
    await execute(database, ENLARGE_EVENT, "a", 1_000_000)
    assert await _page(database, 10, 2_000) == ["a"]


async def _oldest_pending(database: Database) -> tuple[int | None, datetime | None]:
    async with database.transaction() as connection:
        return await outbox.peek(connection)


async def test_peek_returns_the_next_event_and_the_last_publishing_time(database: Database) -> None:
    assert await _oldest_pending(database) == (None, None)
    token = await _elect_relay(database)
    job = await make_pending_job(database)
    await make_pending_job(database, "later")
    first, later = await _pending_events(database)
    assert await _oldest_pending(database) == (first.id, None)
    await _mark(database, [first], token)
    next_id, published_at = await _oldest_pending(database)
    assert (next_id, [(published_at,)]) == (
        later.id,
        await fetch(database, "select published_at from migration.outbox where id = $1", first.id),
    )
    await _resend_event(database, job.id)
    assert await _oldest_pending(database) == (first.id, None)


async def test_peek_ignores_times_in_the_future(database: Database) -> None:
    token = await _elect_relay(database)
    await make_pending_job(database, "ahead")
    await _mark(database, await _pending_events(database), token)
    await execute(database, "update migration.outbox set published_at = published_at + interval '1 hour'")
    await make_pending_job(database)
    await _mark(database, await _pending_events(database), token)
    right = "select published_at from migration.outbox where request_id = 'r-1'"
    assert [(await _oldest_pending(database))[1:]] == await fetch(database, right)


async def test_resent_events_do_not_hide_a_stalled_relay(database: Database) -> None:
    """Each resends an older event before the pending one."""
    token = await _elect_relay(database)
    old = [(await make_pending_job(database, f"old-{n}")).id for n in range(5)]
    await _mark(database, await _pending_events(database), token)
    await make_pending_job(database, "waits")
    now = 0.0
    progress = OutboxProgress(lambda: now)
    for second in range(int(NO_PROGRESS_SECONDS) + 1):
        now = float(second)
        if second % 5 == 4:
            await _resend_event(database, old[second // 5 % len(old)])
        progress.observe(*await _oldest_pending(database))
    assert progress.failure() is not None
    await _mark(database, [(await _pending_events(database))[-1]], token)
    progress.observe(*await _oldest_pending(database))
    assert progress.failure() is None
