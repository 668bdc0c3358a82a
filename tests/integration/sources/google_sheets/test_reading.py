"""Rows of a worksheet are complete, in order, with their row numbers, and take few requests."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from consumer.datasets.chats import staging
from consumer.datasets.chats.column_spec import COLUMN_SPEC as CHATS
from consumer.datasets.chats.validator import ChatValidator
from consumer.errors import LayoutError
from devstack.fake_sheets.server import FakeWorksheet
from tests.integration.sources.google_sheets.conftest import (
    HEADER,
    SPREADSHEET_ID,
    SheetsFixture,
    cells,
    data_rows,
    positions,
)


def test_155_000_rows_take_16_requests(sheets: SheetsFixture) -> None:
    rows = [("ИНН", "Ссылка"), *((i, f"u{i}") for i in range(155_000))]
    sheets.set_rows(rows, row_count=155_001, column_count=2)
    with sheets.open_source() as (source, _):
        assert source.total is None
        chunks = list(source.chunks())
        assert source.total == 155_000
    assert positions(chunks) == list(range(2, 155_002))
    assert cells(chunks, "inn") == list(range(155_000))
    assert all(len(chunk.positions) <= 10_000 for chunk in chunks)
    assert len(sheets.requests()) == 16
    assert len(sheets.acquired_tokens) == 17  # one more for the list of worksheets, none for the sign-in


def test_requests_are_for_unformatted_values_only(sheets: SheetsFixture) -> None:
    sheets.set_rows([HEADER, *data_rows(3)], row_count=4, column_count=3)
    sheets.read_all()
    token, metadata, values = sheets.google.requests
    assert (token.path, metadata.path) == ("/token", f"/v4/spreadsheets/{SPREADSHEET_ID}")
    assert metadata.query["includeGridData"] == ["false"]
    assert values.query == {
        "majorDimension": ["ROWS"],
        "valueRenderOption": ["UNFORMATTED_VALUE"],
        "dateTimeRenderOption": ["SERIAL_NUMBER"],
    }


def test_short_rows_are_padded_and_errors_are_empty(sheets: SheetsFixture) -> None:
    rows = [HEADER, (1,), (2.5, "u", "#N/A"), (True, None, "имя", None, "далеко"), ("00012", "", "")]
    sheets.set_rows(rows)
    (chunk,) = sheets.read_all()
    assert list(chunk.columns["inn"]) == [1, 2.5, True, "00012"]
    assert list(chunk.columns["url"]) == [None, "u", None, None]
    assert list(chunk.columns["name"]) == [None, None, "имя", None]
    assert chunk.record(2) == {"ИНН": True, "Ссылка": None, "Название чата": "имя", "E": "далеко"}


def test_gaps_keep_row_numbers(sheets: SheetsFixture) -> None:
    rows: list[Any] = [(), ("Отчёт за год",), (), HEADER, *data_rows(5), *([()] * 25_000), *data_rows(3, 5)]
    sheets.set_rows(rows, row_count=200_000)
    chunks = sheets.read_all()
    assert positions(chunks) == [*range(5, 10), *range(25_010, 25_013)]
    assert cells(chunks, "url") == [row[1] for row in data_rows(8)]


def test_merged_title_row_is_skipped(sheets: SheetsFixture) -> None:
    title = ("Чаты университетов", *[None] * 25)
    sheets.set_rows([title, HEADER, *data_rows(2)], column_count=26)
    assert positions(sheets.read_all()) == [3, 4]


@pytest.mark.parametrize(
    "title", ["It's", "Лист 1!", "'quoted'", "a/b", "A1", "R1C1", "100%", "x?y#z&w", "  ", "🙂", "A1:B2"]
)
def test_worksheet_titles_are_escaped(sheets: SheetsFixture, title: str) -> None:
    sheets.set_worksheets(FakeWorksheet("Другой"), FakeWorksheet(title, rows=[HEADER, *data_rows(3)]))  # type: ignore[list-item]
    assert positions(sheets.read_all(worksheet=title)) == [2, 3, 4]


def test_choice_of_the_worksheet(sheets: SheetsFixture) -> None:
    first = FakeWorksheet("Первый", rows=[list(HEADER), [1, "first"]], sheet_id=5)
    second = FakeWorksheet("Второй", rows=[list(HEADER), [2, "second"]], sheet_id=77)
    sheets.set_worksheets(FakeWorksheet("Схема", sheet_type="OBJECT", sheet_id=3), first, second)
    link = f"https://docs.google.com/spreadsheets/d/{SPREADSHEET_ID}/edit"
    for spec, wanted in (
        ({}, "first"),
        ({"worksheet": "Второй"}, "second"),
        ({"spreadsheet_id": f"{link}#gid=77"}, "second"),
        ({"spreadsheet_id": f"{link}?gid=77#gid=77", "worksheet": "Первый"}, "first"),
        ({"spreadsheet_id": f"{link}#gid=0"}, "first"),
        ({"spreadsheet_id": link, "worksheet": None}, "first"),
    ):
        assert cells(sheets.read_all(**spec), "url") == [wanted]
    wrong: list[dict[str, Any]] = [{"worksheet": "Третий"}, {"spreadsheet_id": f"{link}#gid=3"}]
    for spec in wrong:
        with pytest.raises(LayoutError, match="«Первый», «Второй»") as caught:
            sheets.read_all(**spec)
        assert caught.value.code == "sheet_not_found"


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "no_header"),
        ([HEADER], "no_rows"),
        ([HEADER, (), (None, " ")], "no_rows"),
        ([("ИНН", "Название чата"), (1, "x")], "missing_column"),
        ([("ИНН", "Ссылка", "Ссылка на чат"), (1, "x", "y")], "duplicate_column"),
        ([("что-то", "другое"), (1, "x")], "no_header"),
    ],
)
def test_wrong_worksheet_fails_before_the_first_row(
    sheets: SheetsFixture, rows: list[Any], code: str
) -> None:
    sheets.set_rows(rows)
    with pytest.raises(LayoutError) as caught, sheets.open_source():
        pass
    assert caught.value.code == code


def test_sheet_without_header_is_read_by_position(sheets: SheetsFixture) -> None:
    rows = [
        ("Бот", "v2"),
        (7707083893, "", "https://max.ru/join/1", 79991234567),
        ("7707083893", 770701001, "https://max.ru/join/2"),
    ]
    sheets.set_rows(rows)
    with sheets.open_source(replace(sheets.reading, column_spec=CHATS)) as (source, opened):
        (chunk,) = source.chunks()
    assert opened.warnings == {"no_header": 1}
    assert list(chunk.positions) == [2, 3]
    assert list(chunk.columns["inn"]) == [7707083893, "7707083893"]
    assert list(chunk.columns["kpp"]) == [None, 770701001]
    assert list(chunk.columns["phone"]) == [79991234567, None]


def test_header_gives_no_warning(sheets: SheetsFixture) -> None:
    sheets.set_rows([HEADER, *data_rows(1)])
    with sheets.open_source() as (_, opened):
        assert opened.warnings == {}


def test_close_leaves_no_connection_open(sheets: SheetsFixture) -> None:
    sheets.set_rows([HEADER, *data_rows(30)])
    with sheets.open_source(replace(sheets.reading, chunk_rows=7)) as (source, _):
        next(source.chunks())
        source.close()
        assert list(source.chunks()) == []
    sheets.read_all()


def test_hidden_worksheet_is_read_only_by_its_title(sheets: SheetsFixture) -> None:
    first: list[Any] = [HEADER, *data_rows(1)]
    second: list[Any] = [HEADER, *data_rows(2)]
    sheets.set_worksheets(
        FakeWorksheet("Чаты\u00a0", rows=first, hidden=True), FakeWorksheet("Лист2", rows=second)
    )
    assert cells(sheets.read_all(), "url") == [row[1] for row in data_rows(2)]
    assert ",hidden," in sheets.google.requests[1].query["fields"][0]  # the fake server always sends it
    assert cells(sheets.read_all(worksheet="Чаты\u00a0"), "url") == [row[1] for row in data_rows(1)]


def test_missing_header_error_names_worksheet_and_hidden_ones(sheets: SheetsFixture) -> None:
    old = FakeWorksheet("Старые", rows=[HEADER], hidden=True)
    sheets.set_worksheets(old, FakeWorksheet("Лист2", rows=[("ИHH", "Cсылка", "Группа")]))
    with pytest.raises(LayoutError) as caught:
        sheets.read_all()
    assert caught.value.code == "no_header"
    for part in ("of the sheet «Лист2»", "«ИHH», «Cсылка», «Группа»", "H is Latin", "Hidden: «Старые»."):
        assert part in caught.value.message


def test_record_of_a_wrong_row_is_bounded_and_the_columns_are_known(sheets: SheetsFixture) -> None:
    wide = 300
    sheets.set_rows([("ИНН", "Ссылка", *range(wide)), ("12", "https://max.ru/1", *["ж" * 50_000] * wide)])
    with sheets.open_source(replace(sheets.reading, column_spec=CHATS)) as (source, opened):
        (chunk,) = source.chunks()
    checked = ChatValidator(staging.CHATS, date(2026, 3, 2)).validate(chunk, {})
    assert checked.rejected == 1
    assert 60_000 < len(checked.copy_streams["stage_rejected_rows"]) < 68_000
    assert [column.field for column in opened.columns[:3]] == ["inn", "url", None]
    assert len(opened.columns) == wide + 2
