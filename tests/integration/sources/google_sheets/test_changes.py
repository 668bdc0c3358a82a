"""A worksheet that is edited while it is read, or between two attempts, is never read half and half."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from consumer.cells.chunks import Chunk
from consumer.errors import TransientError
from consumer.sources.base import SourceConfig, SourceInfo
from devstack.fake_sheets.server import FakeWorksheet
from tests.integration.sources.google_sheets.conftest import (
    HEADER,
    SPREADSHEET_ID,
    SheetsFixture,
    cells,
    data_rows,
    positions,
)

ROWS = 30_500


@pytest.fixture(autouse=True)
def fill_sheet(sheets: SheetsFixture) -> None:
    sheets.set_rows([HEADER, *data_rows(ROWS)], row_count=40_000, column_count=3)


def read_attempt(
    sheets: SheetsFixture, chunks: int, reading: SourceConfig | None = None
) -> tuple[SourceConfig, list[Chunk]]:
    """Read `count` chunks; returns the parameters of the next attempt and what was read."""
    with sheets.open_source(reading) as (source, opened):
        stream = source.chunks()
        read = [next(stream) for _ in range(chunks)]
        checkpoint = read[-1].positions[-1] if read else None
        kept = {"fingerprint": opened.fingerprint, "state": source.state, "checkpoint": checkpoint}
    return replace(sheets.reading, **kept), read  # type: ignore[arg-type]


def start_read(sheets: SheetsFixture, reading: SourceConfig) -> tuple[SourceInfo, list[Chunk], Any]:
    with sheets.open_source(reading) as (source, opened):
        chunks = list(source.chunks())
        return opened, chunks, source.state


@pytest.mark.parametrize("stored", range(5))
def test_resuming_after_any_batch_equals_one_attempt(sheets: SheetsFixture, stored: int) -> None:
    expected = sheets.read_all()
    reading, read = read_attempt(sheets, stored)
    assert len(expected) == 4
    if stored < 4:
        opened, again, state = start_read(sheets, reading)
        assert opened.fingerprint == reading.fingerprint
        assert positions(again) == positions(expected)
        assert cells(again, "url") == cells(expected, "url")
        assert cells(read, "url") == cells(again[:stored], "url")
        assert sorted(state["ranges"]) == ["1", "10001", "20001", "30001"]


@pytest.fixture(params=[0, 1, 2, 3, 4])
def stored(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def append(rows: list[Any]) -> None:
    rows.extend(map(list, data_rows(10, ROWS)))


def delete(rows: list[Any]) -> None:
    del rows[5]


def insert(rows: list[Any]) -> None:
    rows.insert(5, [1, "https://max.ru/new", "new"])


def edit(rows: list[Any]) -> None:
    rows[7][2] = "other"


def sort(rows: list[Any]) -> None:
    rows[1:] = reversed(rows[1:])


@pytest.mark.parametrize("change", [delete, insert, edit, sort])
def test_changed_rows_start_new_load(sheets: SheetsFixture, change: Callable[..., None]) -> None:
    reading, _ = read_attempt(sheets, 2)
    sheets.edit_rows(change)
    opened, again, state = start_read(sheets, reading)
    assert opened.fingerprint != reading.fingerprint
    assert opened.state is not None
    assert opened.state["generation"] == 2
    assert (opened.state["ranges"].keys(), len(state["ranges"])) == ({"1"}, 4)
    assert cells(again, "url") == cells(sheets.read_all(), "url")
    once_more, _, _ = start_read(sheets, replace(reading, fingerprint=opened.fingerprint, state=state))
    assert once_more.fingerprint == opened.fingerprint


def test_reverted_change_does_not_restore_the_first_load(sheets: SheetsFixture) -> None:
    first, _ = read_attempt(sheets, 1)
    sheets.edit_rows(edit)
    second, _ = read_attempt(sheets, 1, first)
    sheets.edit_rows(lambda rows: rows[7].__setitem__(2, "Чат 6"))
    third, _ = read_attempt(sheets, 1, second)
    assert len({first.fingerprint, second.fingerprint, third.fingerprint}) == 3


def test_edit_deep_in_stored_rows_is_detected(sheets: SheetsFixture) -> None:
    reading, _ = read_attempt(sheets, 3)
    sheets.edit_rows(lambda rows: rows[20_500].__setitem__(1, "https://max.ru/other"))
    opened, again, _ = start_read(sheets, reading)
    assert opened.fingerprint != reading.fingerprint
    assert positions(again) == list(range(2, ROWS + 2))


def test_rows_appended_after_stored_blocks_belong_to_the_load(sheets: SheetsFixture) -> None:
    reading, _ = read_attempt(sheets, 2)
    sheets.edit_rows(append)
    opened, again, _ = start_read(sheets, reading)
    assert opened.fingerprint == reading.fingerprint
    assert positions(again) == list(range(2, ROWS + 12))


def test_rows_appended_to_a_partly_stored_block_start_new_load(sheets: SheetsFixture) -> None:
    reading, _ = read_attempt(sheets, 4)
    sheets.edit_rows(append)
    opened, again, _ = start_read(sheets, reading)
    assert opened.fingerprint != reading.fingerprint
    assert positions(again) == list(range(2, ROWS + 12))


def test_filled_gap_starts_new_load(sheets: SheetsFixture) -> None:
    gap: list[Any] = [[] for _ in range(15_000)]
    rows = [list(HEADER), [1, "a"], *gap, [2, "b"]]
    sheets.set_rows(rows, row_count=20_000)
    reading, _ = read_attempt(sheets, 2)
    assert start_read(sheets, reading)[0].fingerprint == reading.fingerprint
    sheets.edit_rows(lambda rows: rows[12_000].extend([3, "c"]))
    assert start_read(sheets, reading)[0].fingerprint != reading.fingerprint


def test_other_title_number_or_spreadsheet_starts_new_load(sheets: SheetsFixture) -> None:
    reading, _ = read_attempt(sheets, 1)
    sheets.google.rename_worksheet(SPREADSHEET_ID, "Лист1", "Лист2")
    assert start_read(sheets, reading)[0].fingerprint != reading.fingerprint
    sheets.set_rows([HEADER, *data_rows(ROWS)], row_count=40_000, sheet_id=99)
    assert start_read(sheets, reading)[0].fingerprint != reading.fingerprint
    sheets.google.rename_worksheet(SPREADSHEET_ID, "Лист1", "Лист2")
    sheets.set_rows([HEADER, *data_rows(ROWS)], row_count=40_000)
    assert start_read(sheets, reading)[0].fingerprint == reading.fingerprint


def test_resumed_load_repeats_no_request_and_leaves_no_file(sheets: SheetsFixture) -> None:
    sheets.read_all()
    once = len(sheets.requests())
    reading, _ = read_attempt(sheets, 3)
    before = len(sheets.requests())
    with sheets.open_source(reading) as (source, _):
        spooled = sorted(path.name for path in sheets.reading.temp_dir.iterdir())
        list(source.chunks())
    assert len(sheets.requests()) - before == once
    assert len(spooled) == 2  # the first was taken to find the header
    assert list(sheets.reading.temp_dir.iterdir()) == []


@pytest.mark.parametrize("change", [delete, insert, sort])
def test_rows_moved_while_reading_end_the_attempt(sheets: SheetsFixture, change: Callable[..., None]) -> None:
    with sheets.open_source() as (source, _):
        stream = source.chunks()
        next(stream)
        sheets.edit_rows(change)
        with pytest.raises(TransientError, match="row 10000") as caught:
            list(stream)
    assert caught.value.code == "source_changed"


def test_worksheet_renamed_while_reading_ends_the_attempt(sheets: SheetsFixture) -> None:
    with sheets.open_source() as (source, _):
        stream = source.chunks()
        next(stream)
        sheets.google.rename_worksheet(SPREADSHEET_ID, "Лист1", "Лист2")
        with pytest.raises(TransientError, match="«Лист1»") as caught:
            list(stream)
    assert caught.value.code == "source_changed"


def test_grid_shrunk_while_reading_ends_the_attempt(sheets: SheetsFixture) -> None:
    with sheets.open_source() as (source, _):
        stream = source.chunks()
        next(stream)
        small = FakeWorksheet("Лист1", rows=[list(HEADER), [1, "a"]], row_count=10)
        sheets.set_worksheets(small)
        with pytest.raises(TransientError) as caught:
            list(stream)
    assert caught.value.code == "source_changed"


def test_row_added_while_the_end_is_searched_is_read(sheets: SheetsFixture) -> None:
    sheets.google.on_values_request(5, lambda: sheets.edit_rows(append))
    assert positions(sheets.read_all()) == list(range(2, ROWS + 12))
