"""Merging batches: unchanged rows write nothing, a rollback leaves nothing, concurrent loads agree."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import consumer.datasets.chats
from consumer.datasets.base import ValidatedBatch
from consumer.store.batches import copy_to_stages, run_merge
from tests.support.chat_loads import (
    CHATS_DATASET,
    FIRST_POSITION,
    TODAY,
    LoadResult,
    directory_tables,
    load_chats,
    make_chunk,
    make_chunks,
    start_attempt,
)

Table = Callable[[str], Awaitable[list[tuple[Any, ...]]]]
REVISION = Path(consumer.datasets.chats.__file__).parent / "revisions" / "directory_0001.sql"
INN = "7707083893"


def rows(count: int, name: str = "Чат") -> list[dict[str, object]]:
    """Rows of a few universities; three urls come twice."""
    return [
        {
            "url": f"https://max.ru/{number % (count - 3)}",
            "inn": INN,
            "kpp": f"77070100{number % 5}",
            "organization": f"Университет {number % 5}",
            "name": f"{name} {number}",
            "faculty": f"Факультет {number % 7}",
            "course": number % 4 + 1,
            "group": f"Г-{number % 11}",
            "phone": f"+7916{number:07}",
        }
        for number in range(count)
    ]


async def test_unchanged_load_writes_nothing(database_url: str) -> None:
    await load_chats(database_url, rows(500), batch_rows=100)
    before = await _row_versions(database_url)
    repeated = await load_chats(database_url, rows(500), batch_rows=70)
    assert repeated.counts() == (0, 0, 497, 3)
    assert await _row_versions(database_url) == before


async def test_only_changed_chats_are_updated(database_url: str) -> None:
    await load_chats(database_url, rows(100))
    changed = rows(100)
    for number in range(10):
        changed[number]["name"] = "Другой"
    assert (await load_chats(database_url, changed)).counts() == (0, 10, 87, 3)


async def test_rolled_back_batch_leaves_no_numbers(database_url: str, read_table: Table) -> None:
    validator = CHATS_DATASET.make_validator("excel", TODAY)
    async with start_attempt(database_url) as attempt:
        for chunk in make_chunks(rows(20), 10):
            batch = validator.validate(chunk, {})
            trial = attempt.connection.transaction()
            await trial.start()
            await attempt.store(batch)
            await trial.rollback()
            await attempt.store(batch)
    assert len(await read_table("chats")) == 17


async def test_concurrent_loads_equal_sequential_ones(database_url: str) -> None:
    loads = await asyncio.gather(*(_load_with_retries(database_url, rows(600)) for _ in range(2)))
    assert sum(loaded.inserted for loaded in loads) == 597
    assert sum(sum(loaded.counts()) for loaded in loads) == 1200
    concurrent = await directory_tables(database_url)
    assert (await load_chats(database_url, rows(600))).counts() == (0, 0, 597, 3)
    assert await directory_tables(database_url) == concurrent


async def test_update_rechecks_chat_updated_by_concurrent_load(database_url: str) -> None:
    await load_chats(database_url, rows(50))
    changed = _validate(rows(50, "Новый"))
    first, second = await _merge_concurrently(database_url, changed, changed)
    assert first.counts() == (0, 47, 0, 3)
    assert second.counts() == (0, 0, 47, 3)


MOVES = [
    # stored org unit (КПП, branch, faculty), that of two concurrent loads, the result
    (("1", "Ф", "И"), ("2", "Ц", ""), ("2", "", "К"), ("2", "", "К")),
    (("1", "Ф", "И"), ("1", "Ц", ""), ("1", "", ""), ("1", "Ц", "")),
    (("1", "Ф", "И"), ("2", "Ц", ""), ("", "Ш", ""), ("2", "Ц", "")),
]


@pytest.mark.parametrize(("stored", "first", "second", "result"), MOVES)
async def test_update_uses_org_unit_stored_by_concurrent_load(
    database_url: str,
    read_table: Table,
    stored: tuple[str, ...],
    first: tuple[str, ...],
    second: tuple[str, ...],
    result: tuple[str, ...],
) -> None:
    """University, branch and faculty come from one decision, made on the locked row."""

    def chat(org_unit: tuple[str, ...], name: str = "", url: str = "a") -> dict[str, object]:
        kpp, branch, faculty = org_unit
        cells = {"kpp": kpp and f"77070100{kpp}", "branch": branch, "faculty": faculty, "name": name}
        return {"url": f"https://max.ru/{url}", "inn": INN, **cells}

    # All org units exist before, or the second load would wait for a key of the first.
    await load_chats(database_url, [chat(stored), chat(first, url="b"), chat(second, url="c")])
    await _merge_concurrently(database_url, _validate([chat(first, "1")]), _validate([chat(second, "2")]))
    (moved,) = [row for row in await read_table("chats") if row[0] == "https://max.ru/a"]
    assert (moved[1], moved[7][-1], *moved[8:10]) == ("2", *result)


async def test_batch_can_be_split_at_any_position(database_url: str, read_table: Table) -> None:
    batch = _validate(rows(30))
    for position in (FIRST_POSITION + 4, FIRST_POSITION + 28):
        head = {name: memoryview(_until(text, position)) for name, text in batch.copy_streams.items()}
        async with start_attempt(database_url) as attempt, attempt.connection.transaction():
            await copy_to_stages(attempt.connection, attempt.merge, head)
            await run_merge(attempt.connection, attempt.merge)
        assert len(await read_table("chats")) == min(position - FIRST_POSITION + 1, 27)


async def test_positions_of_every_copy_text_ascend(database_url: str) -> None:
    invalid = [{**row, "inn": "1"} for row in rows(10)]
    batch = _validate(rows(30) + invalid)
    assert set(batch.copy_streams) == {
        "stage_org_units", "stage_universities", "stage_groups", "stage_chats", "stage_rejected_rows"
    }  # fmt: skip
    for text in batch.copy_streams.values():
        positions = [int(line.split(b"\t")[0]) for line in text.splitlines()]
        assert positions == sorted(positions)


async def test_every_foreign_key_is_declared(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        keys = await connection.fetch(
            "select conrelid::regclass::text as name, to_jsonb(c)->>'conenforced' as enforced"
            " from pg_constraint c where contype = 'f' and connamespace = 'directory'::regnamespace"
        )
        supports_unenforced = connection.get_server_version().major >= 18
    finally:
        await connection.close()
    assert len(keys) == 12
    unenforced = {key["name"].removeprefix("directory.") for key in keys if key["enforced"] == "false"}
    large_tables = {"groups", "chats", "chat_groups", "administrators"}
    assert unenforced == (large_tables if supports_unenforced else set())


async def test_schema_is_created_by_one_plain_execute(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute(REVISION.read_text(encoding="utf-8"))
        assert await connection.fetchval("select count(*) from directory.chats") == 0
    finally:
        await connection.close()


async def _row_versions(url: str) -> list[Any]:
    """Place and transactions (of its write and of its lock) of each row version."""
    connection = await asyncpg.connect(url)
    names = ("universities", "branches", "faculties", "groups", "chats", "chat_groups", "administrators")
    try:
        return [
            await connection.fetch(f"select ctid, xmin, xmax from directory.{name} order by ctid")
            for name in names
        ]
    finally:
        await connection.close()


async def _load_with_retries(url: str, content: list[dict[str, object]]) -> LoadResult:
    """A load that retries batches after a conflict, as the store does."""
    validator = CHATS_DATASET.make_validator("excel", TODAY)
    async with start_attempt(url) as attempt:
        for chunk in make_chunks(content, 50):
            batch = validator.validate(chunk, {})
            while True:
                try:
                    await attempt.store(batch)
                    break
                except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
                    continue
    return attempt.result


def _validate(content: list[dict[str, object]]) -> ValidatedBatch:
    """One batch of a new load."""
    return CHATS_DATASET.make_validator("excel", TODAY).validate(make_chunk(content), {})


async def _merge_concurrently(
    url: str, first_batch: ValidatedBatch, second_batch: ValidatedBatch
) -> tuple[LoadResult, LoadResult]:
    """Merge the first batch, and the second one, which waits for its locks, before the first commits."""
    async with start_attempt(url) as first, start_attempt(url) as second:
        async with first.connection.transaction():
            await first.store(first_batch)
            waiting = asyncio.create_task(second.store(second_batch))
            await _wait_for_lock_waiter(url)
        await waiting
    return first.result, second.result


async def _wait_for_lock_waiter(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(20):
            while not await connection.fetchval(  # noqa: ASYNC110 – the event is in Postgres
                "select count(*) from pg_locks where not granted"
            ):
                await asyncio.sleep(0.01)
    finally:
        await connection.close()


def _until(text: bytes, position: int) -> bytes:
    return b"".join(line for line in text.splitlines(keepends=True) if int(line.split(b"\t")[0]) <= position)
