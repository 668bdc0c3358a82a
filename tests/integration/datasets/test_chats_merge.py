"""How batches are merged: nothing written when nothing differs, rolled back whole, beside other loads."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg

import consumer.datasets.chats
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
    """Rows of a few universities, with some links twice."""
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


async def test_an_unchanged_load_writes_nothing(database_url: str) -> None:
    await load_chats(database_url, rows(500), batch_rows=100)
    before = await _row_versions(database_url)
    again = await load_chats(database_url, rows(500), batch_rows=70)
    assert again.counts() == (0, 0, 497, 3)
    assert await _row_versions(database_url) == before


async def test_only_what_differs_is_updated(database_url: str) -> None:
    await load_chats(database_url, rows(100))
    changed = rows(100)
    for number in range(10):
        changed[number]["name"] = "Другой"
    assert (await load_chats(database_url, changed)).counts() == (0, 10, 87, 3)


async def test_a_batch_rolled_back_forgets_its_numbers(database_url: str, read_table: Table) -> None:
    (first, second), checker = make_chunks(rows(20), 10), CHATS_DATASET.make_validator("excel", TODAY)
    async with start_attempt(database_url) as running:
        for part in (first, second):
            checked = checker.validate(part, {})
            trial = running.connection.transaction()
            await trial.start()
            await running.store(checked)
            await trial.rollback()
            await running.store(checked)
    assert len(await read_table("chats")) == 17


async def test_batches_of_two_loads_at_once_leave_the_same_as_one_after_the_other(database_url: str) -> None:
    loads = await asyncio.gather(*(_load_with_retries(database_url, rows(600)) for _ in range(2)))
    assert sum(loaded.inserted for loaded in loads) == 597
    assert sum(sum(loaded.counts()) for loaded in loads) == 1200
    together = await directory_tables(database_url)
    assert (await load_chats(database_url, rows(600))).counts() == (0, 0, 597, 3)
    assert await directory_tables(database_url) == together


async def test_an_update_looks_again_when_another_load_was_there_first(database_url: str) -> None:
    await load_chats(database_url, rows(50))
    changed = CHATS_DATASET.make_validator("excel", TODAY).validate(make_chunk(rows(50, "Новый")), {})
    async with start_attempt(database_url) as one, start_attempt(database_url) as other:
        async with one.connection.transaction():
            await one.store(changed)
            waiting = asyncio.create_task(other.store(changed))
            await _wait_for_lock_waiter(database_url)
        await waiting
    assert one.result.counts() == (0, 47, 0, 3)
    assert other.result.counts() == (0, 0, 47, 3)


async def test_a_batch_can_be_cut_at_any_position(database_url: str, read_table: Table) -> None:
    checked = CHATS_DATASET.make_validator("excel", TODAY).validate(make_chunk(rows(30)), {})
    for position in (FIRST_POSITION + 4, FIRST_POSITION + 28):
        cut = {name: memoryview(_until(text, position)) for name, text in checked.copy_streams.items()}
        async with start_attempt(database_url) as running, running.connection.transaction():
            await copy_to_stages(running.connection, running.merge, cut)
            await run_merge(running.connection, running.merge)
        assert len(await read_table("chats")) == min(position - FIRST_POSITION + 1, 27)


async def test_lines_of_every_section_ascend(database_url: str) -> None:
    wrong = [{**row, "inn": "1"} for row in rows(10)]
    checked = CHATS_DATASET.make_validator("excel", TODAY).validate(make_chunk(rows(30) + wrong), {})
    assert set(checked.copy_streams) == {
        "stage_nodes", "stage_universities", "stage_places", "stage_chats", "stage_rejects"
    }  # fmt: skip
    for text in checked.copy_streams.values():
        positions = [int(line.split(b"\t")[0]) for line in text.splitlines()]
        assert positions == sorted(positions)


async def test_every_foreign_key_is_declared(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        keys = await connection.fetch(
            "select conrelid::regclass::text as name, to_jsonb(c)->>'conenforced' as enforced"
            " from pg_constraint c where contype = 'f' and connamespace = 'directory'::regnamespace"
        )
        newest = connection.get_server_version().major >= 18
    finally:
        await connection.close()
    assert len(keys) == 12
    loose = {key["name"].removeprefix("directory.") for key in keys if key["enforced"] == "false"}
    assert loose == ({"groups", "chats", "chat_groups", "administrators"} if newest else set())


async def test_the_schema_can_be_made_by_one_plain_execute(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute(REVISION.read_text(encoding="utf-8"))
        assert await connection.fetchval("select count(*) from directory.chats") == 0
    finally:
        await connection.close()


async def _row_versions(url: str) -> list[Any]:
    """Which transaction wrote, and which locked, each row."""
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
    """A load whose batches are repeated on conflict, as the store repeats them."""
    checker = CHATS_DATASET.make_validator("excel", TODAY)
    async with start_attempt(url) as running:
        for part in make_chunks(content, 50):
            checked = checker.validate(part, {})
            while True:
                try:
                    await running.store(checked)
                    break
                except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
                    continue
    return running.result


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
