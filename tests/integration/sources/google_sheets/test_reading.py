"""Rows of a worksheet come whole, in order, where a person sees them, and in few requests."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from consumer.datasets.chats import stages
from consumer.datasets.chats.checker import ChatChecker
from consumer.datasets.chats.fields import FIELDS as CHATS
from consumer.errors import LayoutProblem
from devstack.sheets.server import Worksheet
from tests.integration.sources.google_sheets.conftest import HEADER, ID, Sheets, cells, data_rows, positions


def test_155_000_rows_are_16_requests(sheets: Sheets) -> None:
    rows = [("ИНН", "Ссылка"), *((i, f"u{i}") for i in range(155_000))]
    sheets.put_rows(rows, row_count=155_001, column_count=2)
    with sheets.opened() as (source, _):
        assert source.total is None
        chunks = list(source.chunks())
        assert source.total == 155_000
    assert positions(chunks) == list(range(2, 155_002))
    assert cells(chunks, "inn") == list(range(155_000))
    assert all(len(chunk.positions) <= 10_000 for chunk in chunks)
    assert len(sheets.asked()) == 16
    assert len(sheets.drawn) == 17  # and one for the list of worksheets; none for the token


def test_values_are_asked_for_as_they_are_stored_and_nothing_else_is(sheets: Sheets) -> None:
    sheets.put_rows([HEADER, *data_rows(3)], row_count=4, column_count=3)
    sheets.whole()
    token, metadata, values = sheets.google.requests
    assert (token.path, metadata.path) == ("/token", f"/v4/spreadsheets/{ID}")
    assert metadata.query["includeGridData"] == ["false"]
    assert values.query == {
        "majorDimension": ["ROWS"],
        "valueRenderOption": ["UNFORMATTED_VALUE"],
        "dateTimeRenderOption": ["SERIAL_NUMBER"],
    }


def test_short_rows_are_filled_and_errors_are_empty(sheets: Sheets) -> None:
    rows = [HEADER, (1,), (2.5, "u", "#N/A"), (True, None, "имя", None, "далеко"), ("00012", "", "")]
    sheets.put_rows(rows)
    (chunk,) = sheets.whole()
    assert list(chunk.columns["inn"]) == [1, 2.5, True, "00012"]
    assert list(chunk.columns["url"]) == [None, "u", None, None]
    assert list(chunk.columns["name"]) == [None, None, "имя", None]
    assert chunk.record(2) == {"ИНН": True, "Ссылка": None, "Название чата": "имя", "E": "далеко"}


def test_gaps_shift_no_row(sheets: Sheets) -> None:
    rows: list[Any] = [(), ("Отчёт за год",), (), HEADER, *data_rows(5), *([()] * 25_000), *data_rows(3, 5)]
    sheets.put_rows(rows, row_count=200_000)
    chunks = sheets.whole()
    assert positions(chunks) == [*range(5, 10), *range(25_010, 25_013)]
    assert cells(chunks, "url") == [row[1] for row in data_rows(8)]


def test_a_title_merged_over_all_columns_is_passed_over(sheets: Sheets) -> None:
    title = ("Чаты университетов", *[None] * 25)
    sheets.put_rows([title, HEADER, *data_rows(2)], column_count=26)
    assert positions(sheets.whole()) == [3, 4]


@pytest.mark.parametrize(
    "title", ["It's", "Лист 1!", "'quoted'", "a/b", "A1", "R1C1", "100%", "x?y#z&w", "  ", "🙂", "A1:B2"]
)
def test_titles_may_be_anything(sheets: Sheets, title: str) -> None:
    sheets.put(Worksheet("Другой"), Worksheet(title, rows=[HEADER, *data_rows(3)]))  # type: ignore[list-item]
    assert positions(sheets.whole(worksheet=title)) == [2, 3, 4]


def test_the_worksheet_is_the_one_named_or_linked_or_the_first(sheets: Sheets) -> None:
    first = Worksheet("Первый", rows=[list(HEADER), [1, "first"]], sheet_id=5)
    second = Worksheet("Второй", rows=[list(HEADER), [2, "second"]], sheet_id=77)
    sheets.put(Worksheet("Схема", sheet_type="OBJECT", sheet_id=3), first, second)
    link = f"https://docs.google.com/spreadsheets/d/{ID}/edit"
    for spec, wanted in (
        ({}, "first"),
        ({"worksheet": "Второй"}, "second"),
        ({"spreadsheet_id": f"{link}#gid=77"}, "second"),
        ({"spreadsheet_id": f"{link}?gid=77#gid=77", "worksheet": "Первый"}, "first"),
        ({"spreadsheet_id": f"{link}#gid=0"}, "first"),
        ({"spreadsheet_id": link, "worksheet": None}, "first"),
    ):
        assert cells(sheets.whole(**spec), "url") == [wanted]
    wrong: list[dict[str, Any]] = [{"worksheet": "Третий"}, {"spreadsheet_id": f"{link}#gid=3"}]
    for spec in wrong:
        with pytest.raises(LayoutProblem, match="«Первый», «Второй»") as caught:
            sheets.whole(**spec)
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
def test_a_wrong_worksheet_is_refused_before_any_row(sheets: Sheets, rows: list[Any], code: str) -> None:
    sheets.put_rows(rows)
    with pytest.raises(LayoutProblem) as caught, sheets.opened():
        pass
    assert caught.value.code == code


def test_the_old_sheets_of_the_bot_have_no_header(sheets: Sheets) -> None:
    rows = [
        ("Бот", "v2"),
        (7707083893, "", "https://max.ru/join/1", 79991234567),
        ("7707083893", 770701001, "https://max.ru/join/2"),
    ]
    sheets.put_rows(rows)
    with sheets.opened(replace(sheets.reading, fields=CHATS)) as (source, opened):
        (chunk,) = source.chunks()
    assert opened.warnings == {"no_header": 1}
    assert list(chunk.positions) == [2, 3]
    assert list(chunk.columns["inn"]) == [7707083893, "7707083893"]
    assert list(chunk.columns["kpp"]) == [None, 770701001]
    assert list(chunk.columns["phone"]) == [79991234567, None]


def test_a_header_gives_no_warning(sheets: Sheets) -> None:
    sheets.put_rows([HEADER, *data_rows(1)])
    with sheets.opened() as (_, opened):
        assert opened.warnings == {}


def test_closing_early_and_twice_leaves_nothing_open(sheets: Sheets) -> None:
    sheets.put_rows([HEADER, *data_rows(30)])
    with sheets.opened(replace(sheets.reading, chunk_rows=7)) as (source, _):
        next(source.chunks())
        source.close()
        assert list(source.chunks()) == []
    sheets.whole()


def test_hidden_worksheet_is_read_only_by_its_title(sheets: Sheets) -> None:
    one: list[Any] = [HEADER, *data_rows(1)]
    two: list[Any] = [HEADER, *data_rows(2)]
    sheets.put(Worksheet("Чаты\u00a0", rows=one, hidden=True), Worksheet("Лист2", rows=two))
    assert cells(sheets.whole(), "url") == [row[1] for row in data_rows(2)]
    assert ",hidden," in sheets.google.requests[1].query["fields"][0]  # our stand-in always says
    assert cells(sheets.whole(worksheet="Чаты\u00a0"), "url") == [row[1] for row in data_rows(1)]


def test_error_of_a_worksheet_without_a_header_names_it_and_the_hidden_ones(sheets: Sheets) -> None:
    old = Worksheet("Старые", rows=[HEADER], hidden=True)
    sheets.put(old, Worksheet("Лист2", rows=[("ИHH", "Cсылка", "Группа")]))
    with pytest.raises(LayoutProblem) as caught:
        sheets.whole()
    assert caught.value.code == "no_header"
    for part in ("of the sheet «Лист2»", "«ИHH», «Cсылка», «Группа»", "H is Latin", "Hidden: «Старые»."):
        assert part in caught.value.message


def test_record_of_a_wrong_row_is_bounded_and_the_columns_are_known(sheets: Sheets) -> None:
    wide = 300
    sheets.put_rows([("ИНН", "Ссылка", *range(wide)), ("12", "https://max.ru/1", *["ж" * 50_000] * wide)])
    with sheets.opened(replace(sheets.reading, fields=CHATS)) as (source, opened):
        (chunk,) = source.chunks()
    checked = ChatChecker(stages.CHATS, date(2026, 3, 2)).check(chunk, {})
    assert checked.rejected == 1
    assert 60_000 < len(checked.sections["stage_rejects"]) < 68_000
    assert [column.field for column in opened.columns[:3]] == ["inn", "url", None]
    assert len(opened.columns) == wide + 2
