"""Filtered pages of rejected rows: by error, by identifier, by row number, with limited scans."""

import json
from typing import Any

import pytest

from consumer.store import rejected_pages
from consumer.store.database import Database
from consumer.store.rejected_pages import (
    RejectedFilter,
    RejectedPage,
    RowState,
    record_columns,
    rejected_rows,
)
from tests.support.job_factories import execute, make_pending_job, record_request

Error = tuple[str | None, str]
INSERT = """
insert into migration.migration_errors (job_id, load, row_number, record_identifier, errors, record)
values ($1, (select load from migration.jobs where id = $1), $2, $3, $4, $5)
"""
ROWS: list[tuple[int, str | None, list[Error], dict[str, Any]]] = [
    (2, "max.ru/a", [("inn", "length")], {"ИНН": "1"}),
    (3, "max.ru/b", [("inn", "digits"), ("kpp", "length")], {"ИНН": "1", "T": "x"}),
    (4, "7707083893", [(None, "refused")], {"U": "1"}),
    (7, None, [("url", "required")], {"ИНН": "1"}),
    (77, "max.ru/%", [("inn", "length"), ("url", "required")], {"V": 1}),
]


async def _make_job(database: Database) -> int:
    job = await make_pending_job(database)
    lines = [
        (
            job.id,
            number,
            identifier,
            json.dumps([{"field": field, "code": code, "message": "m"} for field, code in errors]),
            json.dumps(cells, ensure_ascii=False),
        )
        for number, identifier, errors, cells in ROWS
    ]
    async with database.transaction() as connection:
        await connection.executemany(INSERT, lines)
    return job.id


async def _page(
    database: Database, job_id: int, wanted: RejectedFilter, *, after: int = -1, limit: int = 100
) -> RejectedPage:
    async with database.read_transaction() as connection:
        return await rejected_rows(connection, job_id, after=after, limit=limit, row_filter=wanted)


def _numbers(page: RejectedPage) -> list[int]:
    return [json.loads(line)["row_number"] for line in page.json_rows]


FILTERS = [
    ({}, [2, 3, 4, 7, 77]),
    ({"code": "length"}, [2, 3, 77]),
    ({"field": "inn"}, [2, 3, 77]),
    ({"code": "length", "field": "inn"}, [2, 77]),
    ({"code": "digits", "field": "kpp"}, []),
    ({"field": ""}, [4]),
    ({"code": "refused", "field": ""}, [4]),
    ({"code": "length", "field": ""}, []),
    ({"q": "max.ru/"}, [2, 3, 77]),
    ({"q": "max.ru/%"}, [77]),
    ({"q": "MAX"}, []),
    ({"q": "7"}, [4, 7]),
    ({"q": "77"}, [4, 77]),
    ({"q": "3"}, [3]),
    ({"q": "٣"}, []),
    ({"q": "9" * 30}, []),
    ({"q": "77", "code": "length"}, [77]),
    ({"q": "", "code": "length"}, [2, 3, 77]),
    ({"state": RowState.CORRECTED}, []),
    ({"q": "\x00"}, []),
    ({"code": "\ud800"}, []),
    ({"field": "\x00"}, []),
]


@pytest.mark.parametrize(("wanted", "numbers"), FILTERS)
async def test_filters_are_combined(database: Database, wanted: dict[str, Any], numbers: list[int]) -> None:
    page = await _page(database, await _make_job(database), RejectedFilter(**wanted))
    assert (_numbers(page), page.next) == (numbers, None)


async def test_only_rows_of_requested_job_are_found(database: Database) -> None:
    await _make_job(database)
    await record_request(database, "r-2")
    page = await _page(database, 2, RejectedFilter(code="length"))
    assert (_numbers(page), page.next) == ([], None)


async def test_pages_return_every_match_once(database: Database) -> None:
    job_id, wanted = await _make_job(database), RejectedFilter(code="length")
    first = await _page(database, job_id, wanted, limit=2)
    assert (_numbers(first), first.next) == ([2, 3], 3)
    second = await _page(database, job_id, wanted, limit=2, after=3)
    assert (_numbers(second), second.next) == ([77], None)
    exact = await _page(database, job_id, wanted, limit=3)
    assert (_numbers(exact), exact.next) == ([2, 3, 77], None)


async def test_filtered_page_returns_where_its_scan_ended(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, wanted = await _make_job(database), RejectedFilter(q="max.ru/%")
    monkeypatch.setattr(rejected_pages, "MAX_SCANNED_ROWS", 2)
    looked_at, after = [], -1
    while True:
        page = await _page(database, job_id, wanted, after=after)
        looked_at.append((_numbers(page), page.next))
        if page.next is None:
            break
        after = page.next
    assert looked_at == [([], 3), ([], 7), ([77], None)]


async def test_scan_that_ends_with_the_last_row_is_the_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejected_pages, "MAX_SCANNED_ROWS", 5)
    page = await _page(database, await _make_job(database), RejectedFilter(q="nothing"))
    assert (page.json_rows, page.next) == ([], None)


async def test_large_rows_make_short_filtered_pages(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejected_pages, "PAGE_BYTES", 250)
    job_id, wanted = await _make_job(database), RejectedFilter(code="length")
    seen, after = [], -1
    for length in (2, 1):
        page = await _page(database, job_id, wanted, after=after)
        assert len(page.json_rows) == length
        seen += _numbers(page)
        after = page.next or after
    assert (seen, page.next) == ([2, 3, 77], None)


@pytest.mark.parametrize("at_once", [20_000, 2, 1])
@pytest.mark.parametrize(
    ("wanted", "columns"),
    [
        ({}, ["ИНН", "T", "U", "V"]),
        ({"code": "length"}, ["ИНН", "T", "V"]),
        ({"q": "77"}, ["U", "V"]),
        ({"code": "required"}, ["ИНН", "V"]),
        ({"q": "nothing"}, []),
        ({"q": "\x00"}, []),
    ],
)
async def test_columns_are_those_of_matching_rows(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    wanted: dict[str, Any],
    columns: list[str],
    at_once: int,
) -> None:
    monkeypatch.setattr(rejected_pages, "MAX_COLUMN_SCAN_ROWS", at_once)
    job_id = await _make_job(database)
    found: dict[str, None] = {}
    last: int | None = -1
    while last is not None:
        async with database.read_transaction() as connection:
            some, last = await record_columns(connection, job_id, last, RejectedFilter(**wanted), 0)
        found.update(dict.fromkeys(some))
    assert list(found) == columns


MARK = """
update migration.migration_errors set corrected_by = case when row_number = 3 then 9 end,
  dismissed_at = case when row_number = 4 then now() end
"""


@pytest.mark.parametrize(
    ("state", "numbers"),
    [(None, [2, 3, 4, 7, 77]), ("open", [2, 7, 77]), ("corrected", [3]), ("dismissed", [4])],
)
async def test_rows_are_filtered_by_what_corrections_did_with_them(
    database: Database, state: str | None, numbers: list[int]
) -> None:
    job_id = await _make_job(database)
    await execute(database, MARK)
    row_filter = RejectedFilter(state=None if state is None else RowState(state))
    page = await _page(database, job_id, row_filter)
    assert _numbers(page) == numbers
    rows = [json.loads(row) for row in page.json_rows]
    assert {row["row_number"]: row["corrected_by"] for row in rows if row["corrected_by"]} == (
        {3: 9} if 3 in numbers else {}
    )
    states = {row["state"] for row in rows}
    assert states == ({state} if state else {"open", "corrected", "dismissed"})
    async with database.read_transaction() as connection:
        columns, _ = await record_columns(connection, job_id, -1, row_filter, 0)
    assert ("U" in columns) == (4 in numbers)
