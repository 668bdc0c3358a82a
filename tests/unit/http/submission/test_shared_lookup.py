"""One query serves all waiters for rows that another process writes."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from consumer.http.submission.shared_lookup import POLL_INTERVAL, SharedLookup
from consumer.store.errors import DatabaseUnavailableError
from tests.support.wait import wait_until_async

LONG_SECONDS = 10.0


class FakeTable:
    """A table in memory; records the queries."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.lookups: list[list[str]] = []
        self.error: Exception | None = None

    async def was_queried_twice(self) -> bool:
        return len(self.lookups) >= 2

    async def look_up(self, keys: Sequence[str]) -> Mapping[str, int]:
        self.lookups.append(sorted(keys))
        if self.error is not None:
            raise self.error
        return {key: self.rows[key] for key in keys if key in self.rows}


async def test_existing_row_is_found_at_once() -> None:
    table = FakeTable()
    table.rows["a"] = 1
    assert await SharedLookup(table.look_up).wait_for_key("a", LONG_SECONDS) == 1


async def test_many_waiters_cost_one_query() -> None:
    table = FakeTable()
    lookup = SharedLookup(table.look_up)
    waiting = [asyncio.create_task(lookup.wait_for_key(f"key-{n % 10}", LONG_SECONDS)) for n in range(100)]
    await asyncio.sleep(0)
    table.rows = {f"key-{n}": n for n in range(10)}
    lookup.notify()
    assert await asyncio.gather(*waiting) == [n % 10 for n in range(100)]
    assert len(table.lookups) <= 2
    assert table.lookups[-1] == sorted(table.rows)


async def test_row_written_without_notification_is_found_by_polling() -> None:
    table = FakeTable()
    waiting = asyncio.create_task(SharedLookup(table.look_up).wait_for_key("a", LONG_SECONDS))
    await wait_until_async(table.was_queried_twice, LONG_SECONDS, "a second query")
    table.rows["a"] = 1
    assert await waiting == 1


async def test_key_is_not_queried_after_its_timeout() -> None:
    table = FakeTable()
    lookup = SharedLookup(table.look_up)
    assert await lookup.wait_for_key("a", POLL_INTERVAL * 1.5) is None
    query_count = len(table.lookups)
    assert await lookup.wait_for_key("b", POLL_INTERVAL * 1.5) is None
    assert all(keys == ["b"] for keys in table.lookups[query_count:][1:])


async def test_waiter_survives_outage_of_postgres() -> None:
    table = FakeTable()
    table.error = DatabaseUnavailableError("no answer")
    waiting = asyncio.create_task(SharedLookup(table.look_up).wait_for_key("a", LONG_SECONDS))
    await wait_until_async(table.was_queried_twice, LONG_SECONDS, "a second query")
    table.error, table.rows = None, {"a": 1}
    assert await waiting == 1


async def test_defect_is_raised_in_the_waiters_and_the_next_lookup_works() -> None:
    table = FakeTable()
    table.error = ValueError("a defect")
    lookup = SharedLookup(table.look_up)
    with pytest.raises(ValueError, match="a defect"):
        await lookup.wait_for_key("a", LONG_SECONDS)
    table.error, table.rows = None, {"a": 1}
    assert await lookup.wait_for_key("a", LONG_SECONDS) == 1
