"""The content of a workbook of rejected rows."""

import io
import tracemalloc
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from consumer.rejected_workbook import workbook
from consumer.rejected_workbook.cell_styles import CUT_FILL, WRONG_FILL
from consumer.rejected_workbook.workbook import RejectedWorkbook
from tests.support.rejected_workbooks import (
    COLUMNS,
    INN_ERROR,
    ReadWorkbook,
    make_key,
    make_parameters,
    make_row,
)

LINK_MISSING = {"field": "url", "code": "required", "message": "is required"}
REFUSED = {"field": None, "code": "refused_by_database", "message": "PostgreSQL refused the row"}


def write(*rows: dict[str, Any], language: str = "ru", max_rows: int = 1_048_576) -> ReadWorkbook:
    file = io.BytesIO()
    book = RejectedWorkbook(file, make_parameters(language), max_rows)
    book.write(rows, [make_key(row["row_number"]) for row in rows])
    book.close()
    return ReadWorkbook.of(file.getvalue())


def test_headers_in_both_languages() -> None:
    russian = ("Строка", "Что не так", "Что сделать", "Пропустить", *COLUMNS, "row_key")
    assert write().header == russian
    english = ("Row", "What is wrong", "What to do", "Skip", *COLUMNS, "row_key")
    assert write(language="en").header == english


def test_row_has_its_number_reason_remedy_record_and_key() -> None:
    (row,) = write(make_row(4711)).rows
    assert row == {
        "Строка": 4711,
        "Что не так": "ИНН: Неверный ИНН",
        "Что сделать": "Нужно 10 или 12 цифр; исправьте ИНН и задайте столбцу текстовый формат, "
        "чтобы Excel не убирал нули в начале.",
        "Пропустить": None,
        "Ссылка на чат": "https://max.ru/1",
        "ИНН": "0012",
        "КПП": None,
        "Примечание": "=1+1",
        "row_key": make_key(4711),
    }


def test_every_error_is_named_and_each_remedy_given_once() -> None:
    inn_missing = LINK_MISSING | {"field": "inn"}
    (row,) = write(make_row(errors=[LINK_MISSING, inn_missing, REFUSED]), language="en").rows
    assert row["What is wrong"] == (
        "Ссылка на чат: Required field is empty; ИНН: Required field is empty; Row refused by the database"
    )
    assert row["What to do"].count("Fill in link") == 1
    assert "schema directory: a constraint" in row["What to do"], "no backticks"


def test_code_of_a_newer_service_is_explained_by_its_message() -> None:
    (row,) = write(make_row(errors=[INN_ERROR | {"code": "new", "message": "must be new"}])).rows
    assert (row["Что не так"], row["Что сделать"]) == ("ИНН: must be new", None)


def test_wrong_cells_are_filled_and_explained() -> None:
    sheet = write(make_row(errors=[INN_ERROR, LINK_MISSING], record={"ИНН": "0012"})).sheets[0]
    filled = {cell.coordinate for cell in sheet[2] if cell.fill.fgColor.rgb == f"FF{WRONG_FILL}"}
    assert filled == {"E2", "F2"}
    assert {cell.coordinate for cell in sheet[2] if cell.comment} == {"E2", "F2"}
    note = sheet["F2"].comment
    assert note is not None
    assert note.text.startswith("Неверный ИНН. Нужно 10 или 12 цифр")
    assert {sheet[name].number_format for name in ("E2", "F2", "G2", "H2", "I2")} <= {"@", "General"}
    assert (sheet["E2"].number_format, sheet["F2"].number_format) == ("@", "@")


def test_columns_of_the_source_are_texts_where_people_type() -> None:
    sheet = write(make_row()).sheets[0]
    formats = [sheet.column_dimensions[name].number_format for name in "EFGH"]
    assert formats == ["@"] * 4


def test_cell_with_an_error_is_empty_and_says_why() -> None:
    (row,) = (read := write(make_row(record={"ИНН": None}, kinds={"ИНН": "error"}))).rows
    assert row["ИНН"] is None
    note = read.sheets[0]["F2"].comment
    assert note is not None
    assert note.text.startswith("Ячейка с ошибкой. ")


def test_values_have_the_kind_of_their_cells() -> None:
    record = {
        "Ссылка на чат": "2024-02-29",
        "ИНН": 770123456789,
        "КПП": 1.5,
        "Примечание": True,
    }
    (row,) = write(make_row(record=record, kinds={"Ссылка на чат": "date"}, errors=[])).rows
    assert list(row.values())[4:8] == [datetime.fromisoformat("2024-02-29"), 770123456789, 1.5, True]


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("2024-02-29", None, "2024-02-29"),
        ("2024-02-29T10:11:12", "date", datetime.fromisoformat("2024-02-29T10:11:12")),
        ("1812-09-07", "date", "1812-09-07"),
        ("2024-02-29T10:11:12+03:00", "date", "2024-02-29T10:11:12+03:00"),
        ("nonsense", "date", "nonsense"),
        ("10:11:12", "time", time(10, 11, 12)),
        ("1 day, 2:03:04", "duration", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("-1 day, 23:59:59", "duration", "-1 day, 23:59:59"),
        ("12345678901234567890", "number", "12345678901234567890"),
        (999_999_999_999_999, None, 999_999_999_999_999),
        (1_000_000_000_000_000, None, "1000000000000000"),
        ("+79161234567", None, "+79161234567"),
    ],
)
def test_value_by_kind(value: Any, kind: str | None, expected: Any) -> None:
    kinds = None if kind is None else {"Примечание": kind}
    (row,) = write(make_row(record={"Примечание": value}, kinds=kinds)).rows
    assert row["Примечание"] == expected
    assert type(row["Примечание"]) is type(expected)


def test_cut_record_is_marked_and_cannot_be_corrected_here() -> None:
    cut = {"cut": ["КПП", "Примечание"], "left_out": 0}
    read = write(make_row(record_cut=cut, record={"ИНН": "1", "КПП": "12…", "Примечание": "x…"}))
    assert read.rows[0]["Что сделать"].endswith("исправьте эту строку в источнике.")
    filled = {cell.coordinate for cell in read.sheets[0][2] if cell.fill.fgColor.rgb == f"FF{CUT_FILL}"}
    assert filled == {"G2", "H2"}


@pytest.mark.parametrize("cut", [{"cut": ["Примечание"], "left_out": 0}, {"cut": [], "left_out": 3}])
def test_cut_of_what_is_not_imported_is_no_obstacle(cut: dict[str, Any]) -> None:
    assert "источнике" not in write(make_row(record_cut=cut)).rows[0]["Что сделать"]


def test_record_without_any_cell_cannot_be_corrected_here() -> None:
    row = make_row(record={}, record_cut={"cut": [], "left_out": None})
    assert write(row).rows[0]["Что сделать"].endswith("исправьте эту строку в источнике.")


def test_only_the_first_wrong_cells_have_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_NOTES", 3)
    sheet = write(*(make_row(number) for number in range(5))).sheets[0]
    assert [bool(sheet[f"F{row}"].comment) for row in range(2, 7)] == [True, True, True, False, False]
    assert {sheet[f"F{row}"].fill.fgColor.rgb for row in range(2, 7)} == {f"FF{WRONG_FILL}"}


def test_rows_are_split_over_sheets_each_with_its_header() -> None:
    read = write(*(make_row(number) for number in range(5)), max_rows=3)
    assert [sheet.title for sheet in read.sheets] == [
        "Отклонённые строки",
        "Отклонённые строки 2",
        "Отклонённые строки 3",
    ]
    assert [sheet.max_row for sheet in read.sheets] == [3, 3, 2]
    assert [row["Строка"] for row in read.rows] == [0, 1, 2, 3, 4]
    assert {sheet["A1"].value for sheet in read.sheets} == {"Строка"}


def test_full_sheet_is_not_followed_by_an_empty_one() -> None:
    assert len(write(make_row(1), make_row(2), max_rows=3).sheets) == 1


def test_workbook_without_rows_has_a_header() -> None:
    read = write()
    assert (read.rows, len(read.header)) == ([], 9)


def test_skip_is_chosen_from_a_list_and_the_key_is_hidden() -> None:
    sheet = write(make_row(), language="en").sheets[0]
    (rule,) = sheet.data_validations.dataValidation
    assert (str(rule.sqref), rule.formula1) == ("D2:D1048576", '"yes,no"')
    assert sheet.column_dimensions["I"].hidden
    assert not any(sheet.column_dimensions[name].hidden for name in "ABCDEFGH")
    assert sheet.freeze_panes == "A2"


def test_metadata_is_on_a_hidden_sheet() -> None:
    assert write().metadata == {
        "format_version": "1",
        "job": "1",
        "request_id": "1",
        "run": "1",
        "load": "1",
        "dataset": "1",
        "source_type": "1",
    }


def test_memory_does_not_grow_with_the_rows() -> None:
    class Nowhere(io.RawIOBase):
        """Counts positions, and keeps nothing."""

        position = 0

        def write(self, data: Any) -> int:
            self.position += len(data)
            return len(data)

        def tell(self) -> int:
            return self.position

        def seek(self, offset: int, whence: int = 0) -> int:
            return offset

        def seekable(self) -> bool:
            return True

    book = RejectedWorkbook(Nowhere(), make_parameters())  # type: ignore[arg-type]
    rows = [make_row(number) for number in range(500)]
    keys = [make_key(number) for number in range(500)]
    for _ in range(4):  # with all notes
        book.write(rows, keys)
    tracemalloc.start()
    for _ in range(6):
        book.write(rows, keys)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 1 << 20
