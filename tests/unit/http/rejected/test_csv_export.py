"""Rejected rows as CSV: readable in a spreadsheet, without formulas."""

import csv
import io
import json

import pytest

from consumer.http.rejected import csv_export
from consumer.rejected_file.formula_escape import escape_formula
from consumer.rejected_file.row_key import RowKey, record_digest

ROW = {
    "row_number": 7,
    "record_identifier": "https://t.me/a",
    "errors": [
        {"field": "inn", "code": "inn_length", "message": "must have 10 or 12 digits"},
        {"field": None, "code": "refused_by_database", "message": "refused"},
    ],
    "record": {"ИНН": "12", "Участники": 5, "Группа": None, "Флаг": True},
}

KEY = RowKey(17, 1, 2, 7, record_digest("{}"))


def read(text: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode(), newline="")))


def csv_cells(**changes: object) -> list[str]:
    row = ROW | changes
    columns = list(dict(row["record"]))  # type: ignore[call-overload]
    (cells,) = read(csv_export.data_lines([(json.dumps(row), KEY)], columns))
    assert cells.pop() == str(KEY)
    return cells


def test_line_begins_with_row_number_identifier_and_errors() -> None:
    assert csv_cells()[:3] == ["7", "https://t.me/a", "inn: must have 10 or 12 digits; refused"]


def test_record_follows_in_the_order_of_the_columns() -> None:
    assert csv_cells()[3:] == ["12", "5", "", "true"]


def test_missing_column_is_empty() -> None:
    (cells,) = read(csv_export.data_lines([(json.dumps(ROW), KEY)], ["Нет такой", "ИНН"]))
    assert cells[3:] == ["", "12", str(KEY)]


def test_header_begins_with_a_byte_order_mark() -> None:
    header = csv_export.header_line(["ИНН"])
    assert header.startswith(b'\xef\xbb\xbf"row_number",')
    assert header.decode("utf-8-sig") == '"row_number","record_identifier","errors","ИНН","row_key"\r\n'


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "-2",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        "\xa0=1",
        "\n@x",
        "+1234567",
        "+1234567890123456",
        "-79161234567",
        "+79161234567+1",
        "+79161234567\n",
        " +79161234567",
        "=79161234567",
        "+7 916 123-45-67",
        "+٧٩١٦١٢٣٤٥٦٧",
    ],
)
def test_formulas_are_escaped(text: str) -> None:
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a=b",
        "8 916",
        "+79161234567",
        "+12345678",
        "+123456789012345",
        "79161234567",
        "'=1",
        "https://t.me/+abc",
        "–5",
    ],
)
def test_other_text_is_unchanged(text: str) -> None:
    assert escape_formula(text) == text


def test_formulas_are_escaped_in_every_column() -> None:
    formula = "=cmd()"
    cells = csv_cells(
        record_identifier=formula,
        errors=[{"field": formula, "code": "x", "message": "y"}],
        record={formula: formula},
    )
    assert [cell[:2] for cell in cells[1:]] == ["'=", "'=", "'="]
    assert ',"\'=cmd()"' in csv_export.header_line([formula]).decode()


def test_negative_number_is_escaped_like_text() -> None:
    assert csv_cells(record={"x": -5, "y": "-5", "z": 5})[3:] == ["'-5", "'-5", "5"]


def test_every_cell_is_quoted() -> None:
    """Otherwise the text after `;` would be a cell of its own where Excel splits there, as in Russia."""
    data = csv_export.data_lines(
        [(json.dumps(ROW | {"record": {"x": "а;=1+1", "n": 5, "none": None}}), KEY)], ["x", "n", "none"]
    )
    cells = ["7", "https://t.me/a", "inn: must have 10 or 12 digits; refused", "а;=1+1", "5", "", str(KEY)]
    assert data.decode() == ",".join(f'"{cell}"' for cell in cells) + "\r\n"


@pytest.mark.parametrize("text", ['say "hi", twice', "two\nlines", "two\r\nlines", "semi;colon"])
def test_text_round_trips(text: str) -> None:
    assert csv_cells(record={"x": text})[3:] == [text]
