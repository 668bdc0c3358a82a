"""A token bucket is shared by all replicas, and gives at most its limit in one window."""

import asyncio
from collections import Counter

import pytest

from consumer.store import rate_limits
from consumer.store.database import Database
from tests.support.job_factories import execute, fetch

WINDOW = 60.0


async def acquire(database: Database, bucket: str = "google:robot", limit: int = 5) -> float:
    return await rate_limits.acquire(database, bucket, limit=limit, window_seconds=WINDOW)


async def backdate_tokens(database: Database, seconds: float) -> None:
    """Move the acquisition of all tokens so many seconds back."""
    await execute(
        database,
        """update migration.rate_limits
           set acquired_at = array(select t - make_interval(secs => $1)
                                     from unnest(acquired_at) t order by t)""",
        seconds,
    )


async def test_acquire_returns_wait_beyond_limit(database: Database) -> None:
    assert [await acquire(database) for _ in range(5)] == [0.0] * 5
    assert await acquire(database) == pytest.approx(WINDOW, abs=5)
    assert await acquire(database, "google:another") == 0.0


async def test_token_is_available_again_after_its_window(database: Database) -> None:
    for _ in range(5):
        await acquire(database)
    await backdate_tokens(database, WINDOW - 10)
    assert await acquire(database) == pytest.approx(10, abs=5)
    await backdate_tokens(database, 10)
    assert [await acquire(database) for _ in range(5)] == [0.0] * 5
    assert await acquire(database) > 0


async def test_wait_is_for_the_oldest_token_needed(database: Database) -> None:
    await acquire(database)
    await backdate_tokens(database, 40)
    for _ in range(4):
        await acquire(database)
    assert await acquire(database) == pytest.approx(20, abs=5)
    # Fewer are allowed now than were drawn: all but one of them have to come back.
    assert await acquire(database, limit=2) == pytest.approx(WINDOW, abs=5)


async def test_concurrent_replicas_do_not_exceed_the_limit(
    database: Database, other_replica_database: Database
) -> None:
    drawn = await asyncio.gather(
        *(acquire(replica) for _ in range(20) for replica in (database, other_replica_database))
    )
    assert Counter(wait == 0 for wait in drawn)[True] == 5


async def test_clock_set_back_does_not_block_the_bucket(database: Database) -> None:
    for _ in range(5):
        await acquire(database)
    await backdate_tokens(database, -3600)
    assert await acquire(database) == 0.0


async def test_bucket_does_not_grow(database: Database) -> None:
    for _ in range(4):
        await acquire(database)
        await backdate_tokens(database, WINDOW)
    assert await fetch(database, "select cardinality(acquired_at) from migration.rate_limits") == [(1,)]
