"""Random small loads in any number of batches give the same as the reference implementation."""

import asyncio
from datetime import date
from typing import Any

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumer.datasets.chats.column_spec import SOURCE_TABLE
from tests.support.chat_loads import FIRST_POSITION, directory_tables, load_chats
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import load_rows

PROPERTY_SETTINGS = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CLEAR_DIRECTORY = "truncate directory.universities cascade"

# Few values, so that rows of one example have keys in common.
LINKS = ["https://max.ru/1", " https://max.ru/1", "https://max.ru/2", "http://чат.рф/\\N"]
INNS = ["7707083893", 7707083893.0, "7707083893.0", "105014177", "1234567890"]
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "url": st.sampled_from(LINKS),
    "inn": st.sampled_from(INNS),
    "kpp": st.sampled_from(["", "770701001", 77071001.0]),
    "name": st.sampled_from(["", "'А'", "А", "\\N", "а\tб\nв\r", "\\.", date(2024, 12, 10)]),
    "external_chat_id": st.sampled_from([None, -71.0, "-72"]),
    "participants": st.sampled_from(["", 3.0, "4"]),
    "created_on": st.sampled_from([None, date(2025, 9, 1), "2025-09-02", "вчера", 45901.0]),
    "creator_id": st.sampled_from(["", "7"]),
    "phone": st.sampled_from(["", "8 916 123-45-67", 79161234568.0, "нет"]),
    "owner_id": st.sampled_from(["", "1", 2.0]),
    "add_user": st.sampled_from([None, 1.0, False, "да", "?"]),
    "add_admin": st.sampled_from([None, "0", True]),
    "organization": st.sampled_from(["", "Университет", "Институт"]),
    "foiv": st.sampled_from(["", "Минздрав", "Минобр"]),
    "region": st.sampled_from(["", "Томск"]),
    "region_number": st.sampled_from(["", 7.0, "70"]),
    "branch": st.sampled_from(["", "Филиал 1", "Филиал 2"]),
    "faculty": st.sampled_from(["", "ФПМ", "ИВТ"]),
    "course": st.sampled_from([None, 1.0, "2"]),
    "group": st.sampled_from(["", "Г-1", "Г-2"]),
}
INVALID_CELLS = {
    "url": "нет",
    "inn": "12",
    "kpp": "1",
    "course": "первый",
    "name": "\x00",
    "group": "я" * 501,
}
OPTIONAL = sorted(CELLS.keys() - {"url", "inn"})


@st.composite
def load_case(draw: st.DrawFn) -> tuple[list[dict[str, object]], str, int, int]:
    """Rows, source type, rows per batch, and the number of batches before a crash."""
    source_type = draw(st.sampled_from(["excel", "google_sheets", "database"]))
    missing = draw(st.sets(st.sampled_from(OPTIONAL), max_size=8))
    columns = [name for name in CELLS if name not in missing]
    if source_type == "database":  # whose table has no other columns
        columns = [name for name in columns if name in SOURCE_TABLE.columns]
    rows = draw(
        st.lists(st.fixed_dictionaries({name: CELLS[name] for name in columns}), min_size=1, max_size=14)
    )
    for row in rows:
        if draw(st.integers(0, 9)) == 0:
            name = draw(st.sampled_from(columns))
            row[name] = INVALID_CELLS.get(name, row[name])
    return rows, source_type, draw(st.integers(1, 15)), draw(st.integers(0, 4))


@PROPERTY_SETTINGS
@given(loads=st.lists(load_case(), min_size=1, max_size=4))
def test_loads_equal_the_reference(
    database_url: str, loads: list[tuple[list[dict[str, object]], str, int, int]]
) -> None:
    asyncio.run(_compare(database_url, loads))


async def _compare(url: str, loads: list[tuple[list[dict[str, object]], str, int, int]]) -> None:
    await _clear(url)
    reference = Directory()
    for rows, source_type, batch_rows, crash_after in loads:
        expected = load_rows(reference, enumerate(rows, FIRST_POSITION), source_type)
        loaded = await load_chats(url, rows, source_type, batch_rows=batch_rows, crash_after=crash_after)
        assert loaded.counts() == expected.counts()
        assert loaded.warnings == expected.warnings
        rejected = {
            position: sorted(error["field"] for error in errors)
            for position, (_, errors, _) in loaded.rejected_rows.items()
        }
        assert rejected == expected.rejected
        assert await directory_tables(url) == reference.rows()
    rows, source_type, *_ = loads[-1]
    repeated = await load_chats(url, rows, source_type)
    assert (repeated.inserted, repeated.updated) == (0, 0)
    assert await directory_tables(url) == reference.rows()


async def _clear(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(CLEAR_DIRECTORY)
    finally:
        await connection.close()
