"""A bucket of tokens is shared by all replicas, and never gives more than it holds in one window."""

import asyncio
from collections import Counter

import pytest

from consumer.store import quotas
from consumer.store.database import Database
from tests.integration.store.making import change, rows

WINDOW = 60.0


async def draw(database: Database, bucket: str = "google:robot", limit: int = 5) -> float:
    return await quotas.draw(database, bucket, limit=limit, window_seconds=WINDOW)


async def age(database: Database, seconds: float) -> None:
    """As if all tokens had been drawn so many seconds earlier."""
    await change(
        database,
        """update migration.quotas
           set drawn = array(select d - make_interval(secs => $1) from unnest(drawn) d order by d)""",
        seconds,
    )


async def test_there_are_as_many_tokens_as_the_limit_says_and_then_a_wait(database: Database) -> None:
    assert [await draw(database) for _ in range(5)] == [0.0] * 5
    assert await draw(database) == pytest.approx(WINDOW, abs=5)
    assert await draw(database, "google:another") == 0.0


async def test_a_token_comes_back_when_its_window_is_over_and_not_before(database: Database) -> None:
    for _ in range(5):
        await draw(database)
    await age(database, WINDOW - 10)
    assert await draw(database) == pytest.approx(10, abs=5)
    await age(database, 10)
    assert [await draw(database) for _ in range(5)] == [0.0] * 5
    assert await draw(database) > 0


async def test_the_wait_is_for_the_oldest_token_that_is_needed(database: Database) -> None:
    await draw(database)
    await age(database, 40)
    for _ in range(4):
        await draw(database)
    assert await draw(database) == pytest.approx(20, abs=5)
    # Fewer are allowed now than were drawn: all but one of them have to come back.
    assert await draw(database, limit=2) == pytest.approx(WINDOW, abs=5)


async def test_replicas_that_draw_at_once_get_no_more_than_there_are(
    database: Database, neighbour: Database
) -> None:
    drawn = await asyncio.gather(*(draw(one) for _ in range(20) for one in (database, neighbour)))
    assert Counter(wait == 0 for wait in drawn)[True] == 5


async def test_a_clock_that_was_set_back_does_not_close_the_bucket(database: Database) -> None:
    for _ in range(5):
        await draw(database)
    await age(database, -3600)
    assert await draw(database) == 0.0


async def test_a_bucket_does_not_grow(database: Database) -> None:
    for _ in range(4):
        await draw(database)
        await age(database, WINDOW)
    assert await rows(database, "select cardinality(drawn) from migration.quotas") == [(1,)]
