"""Leases: a live owner keeps its job, a dead one loses it, once."""

import asyncio

import pytest

from consumer.errors import LeaseLostError
from consumer.store import claims, leases
from consumer.store.database import Database
from consumer.store.leases import RELAY_LEASE, FencingToken
from schemas.status import Status
from tests.support.job_factories import (
    execute,
    expire_lease,
    fetch,
    get_job,
    make_running_job,
    make_taken_over_job,
    outbox_events,
)


async def _seconds_left(database: Database, job_id: int) -> float:
    query = (
        "select extract(epoch from expires_at - clock_timestamp())::float8 "
        "from migration.leases where name = $1"
    )
    ((seconds,),) = await fetch(database, query, leases.job_lease_name(job_id))
    return float(seconds)


async def _renew(database: Database, fencing_token: FencingToken, seconds: float) -> bool:
    async with database.transaction() as connection:
        return await leases.renew_job_lease(connection, fencing_token, seconds)


async def test_heartbeat_renews_the_lease(database: Database) -> None:
    job, fence = await make_running_job(database)
    assert await _renew(database, fence, 500) is False
    assert 480 < await _seconds_left(database, job.id) <= 500


async def test_heartbeat_returns_the_requested_cancel(database: Database) -> None:
    _, fence = await make_running_job(database)
    await execute(database, "update migration.jobs set cancel_requested = true")
    assert await _renew(database, fence, 60) is True


async def test_heartbeat_of_the_previous_owner_raises_lease_lost(database: Database) -> None:
    old, new = await make_taken_over_job(database)
    with pytest.raises(LeaseLostError):
        await _renew(database, old, 500)
    assert await _seconds_left(database, new.job_id) <= 60
    await _renew(database, new, 60)


async def test_expired_lease_is_rescued_once_by_concurrent_replicas(
    database: Database, other_replica_database: Database
) -> None:
    job, _ = await make_running_job(database)
    await expire_lease(database, job.id)
    looks = [claims.rescue(replica) for replica in (database, other_replica_database) for _ in range(3)]
    rescued = [after for found in await asyncio.gather(*looks) for after in found]
    assert [(after.id, after.status, after.token) for after in rescued] == [(job.id, Status.PENDING, None)]
    assert [event["status"] for event in await outbox_events(database, job.id)] == [
        "pending",
        "running",
        "pending",
    ]
    assert await fetch(database, "select name from migration.leases") == []


async def test_running_job_without_lease_is_rescued(database: Database) -> None:
    job, _ = await make_running_job(database)
    await execute(database, "delete from migration.leases")
    assert [after.id for after in await claims.rescue(database)] == [job.id]


async def test_job_with_live_lease_is_not_rescued(database: Database) -> None:
    job, _ = await make_running_job(database)
    assert await claims.rescue(database) == []
    assert (await get_job(database, job.request_id)).status is Status.RUNNING


async def test_heartbeat_during_a_rescue_keeps_the_job(database: Database) -> None:
    job, fence = await make_running_job(database)
    await expire_lease(database, job.id)
    await _renew(database, fence, 60)
    assert await claims._rescue(database, job.id) is None
    assert (await get_job(database, job.request_id)).token == fence.token


async def test_rescue_skips_jobs_with_a_local_task(database: Database) -> None:
    job, _ = await make_running_job(database)
    await expire_lease(database, job.id)
    assert await claims.rescue(database, frozenset({job.id})) == []


async def test_rescue_applies_a_requested_cancel(database: Database) -> None:
    job, _ = await make_running_job(database)
    await execute(database, "update migration.jobs set cancel_requested = true")
    await expire_lease(database, job.id)
    assert [after.status for after in await claims.rescue(database)] == [Status.CANCELLED]


async def test_job_fails_when_all_its_owners_crash_before_a_batch(database: Database) -> None:
    job, _ = await make_running_job(database)
    ends = []
    for _ in range(3):
        await execute(database, "update migration.leases set backend_pid = 1, backend_start = now()")
        await expire_lease(database, job.id)
        ends += [after.status for after in await claims.rescue(database)]
        await claims.claim(database, "next", 60)
    assert ends == [Status.PENDING, Status.PENDING, Status.FAILED]
    assert (await get_job(database, job.request_id)).error_code == "worker_lost"


async def test_claim_with_a_lost_reply_consumes_no_attempt(database: Database) -> None:
    job, _ = await make_running_job(database)
    await expire_lease(database, job.id)
    [after] = await claims.rescue(database)
    assert (after.status, after.attempt, after.consecutive_failures) == (Status.PENDING, 0, 0)


async def _try_acquire(database: Database, owner: str) -> int | None:
    async with database.transaction() as connection:
        return await leases.try_acquire(connection, RELAY_LEASE, owner, 60)


async def test_one_of_many_candidates_becomes_the_relay(
    database: Database, other_replica_database: Database
) -> None:
    votes = await asyncio.gather(
        *(
            _try_acquire(replica, f"{number}")
            for replica in (database, other_replica_database)
            for number in range(4)
        )
    )
    assert len([token for token in votes if token is not None]) == 1


async def test_relay_with_an_expired_lease_is_replaced(database: Database) -> None:
    first = await _try_acquire(database, "a")
    assert await _try_acquire(database, "b") is None
    await execute(
        database, "update migration.leases set expires_at = clock_timestamp() - interval '1 second'"
    )
    second = await _try_acquire(database, "b")
    assert first is not None
    assert second is not None
    assert second > first
    async with database.transaction() as connection:
        await leases.renew(connection, RELAY_LEASE, second, 60)
        with pytest.raises(LeaseLostError):
            await leases.renew(connection, RELAY_LEASE, first, 60)


async def test_replaced_relay_releases_nothing(database: Database) -> None:
    first = await _try_acquire(database, "a")
    assert first is not None
    await execute(
        database, "update migration.leases set expires_at = clock_timestamp() - interval '1 second'"
    )
    await _try_acquire(database, "b")
    async with database.transaction() as connection:
        await leases.release(connection, RELAY_LEASE, first)
    assert await fetch(database, "select owner from migration.leases") == [("b",)]
