"""One query serves all who wait for rows that another process writes."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from consumer.http.submission.shared_lookup import POLL_INTERVAL, SharedLookup
from consumer.store.errors import DatabaseUnavailableError
from tests.support.wait import wait_until_async

LONG_SECONDS = 10.0


class FakeTable:
    """What is written so far; counts how often it was asked."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.lookups: list[list[str]] = []
        self.error: Exception | None = None

    async def was_asked_twice(self) -> bool:
        return len(self.lookups) >= 2

    async def look_up(self, keys: Sequence[str]) -> Mapping[str, int]:
        self.lookups.append(sorted(keys))
        if self.error is not None:
            raise self.error
        return {key: self.rows[key] for key in keys if key in self.rows}


async def test_a_row_that_is_there_is_found_at_once() -> None:
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


async def test_a_row_written_without_a_notification_is_found_by_the_poll() -> None:
    table = FakeTable()
    waiting = asyncio.create_task(SharedLookup(table.look_up).wait_for_key("a", LONG_SECONDS))
    await wait_until_async(table.was_asked_twice, LONG_SECONDS, "a second query")
    table.rows["a"] = 1
    assert await waiting == 1


async def test_a_row_that_never_comes_is_waited_for_so_long_and_then_not_asked_for_any_more() -> None:
    table = FakeTable()
    lookup = SharedLookup(table.look_up)
    assert await lookup.wait_for_key("a", POLL_INTERVAL * 1.5) is None
    asked = len(table.lookups)
    assert await lookup.wait_for_key("b", POLL_INTERVAL * 1.5) is None
    assert all(keys == ["b"] for keys in table.lookups[asked:][1:])


async def test_an_outage_of_postgres_ends_no_wait_early() -> None:
    table = FakeTable()
    table.error = DatabaseUnavailableError("no answer")
    waiting = asyncio.create_task(SharedLookup(table.look_up).wait_for_key("a", LONG_SECONDS))
    await wait_until_async(table.was_asked_twice, LONG_SECONDS, "a second query")
    table.error, table.rows = None, {"a": 1}
    assert await waiting == 1


async def test_a_defect_reaches_those_who_wait_and_does_not_keep_the_next_from_looking() -> None:
    table = FakeTable()
    table.error = ValueError("a defect")
    lookup = SharedLookup(table.look_up)
    with pytest.raises(ValueError, match="a defect"):
        await lookup.wait_for_key("a", LONG_SECONDS)
    table.error, table.rows = None, {"a": 1}
    assert await lookup.wait_for_key("a", LONG_SECONDS) == 1
