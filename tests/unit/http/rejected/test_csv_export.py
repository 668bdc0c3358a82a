"""Rejected rows as CSV: readable in a spreadsheet, and harmless there."""

import csv
import io
import json

import pytest

from consumer.http.rejected import csv_export as table

ROW = {
    "row_number": 7,
    "record_identifier": "https://t.me/a",
    "errors": [
        {"field": "inn", "code": "inn_length", "message": "must have 10 or 12 digits"},
        {"field": None, "code": "refused_by_database", "message": "refused"},
    ],
    "record": {"ИНН": "12", "Участники": 5, "Группа": None, "Флаг": True},
}


def read(text: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode(), newline="")))


def line(**changes: object) -> list[str]:
    row = ROW | changes
    (cells,) = read(table.data_lines([json.dumps(row)], list(dict(row["record"]))))  # type: ignore[call-overload]
    return cells


def test_a_row_begins_with_its_number_identifier_and_errors() -> None:
    assert line()[:3] == ["7", "https://t.me/a", "inn: must have 10 or 12 digits; refused"]


def test_the_record_follows_in_the_order_of_the_columns() -> None:
    assert line()[3:] == ["12", "5", "", "true"]


def test_a_column_a_row_does_not_have_is_empty() -> None:
    (cells,) = read(table.data_lines([json.dumps(ROW)], ["Нет такой", "ИНН"]))
    assert cells[3:] == ["", "12"]


def test_the_head_begins_with_the_mark_that_excel_knows_utf_8_by() -> None:
    head = table.header_line(["ИНН"])
    assert head.startswith(b'\xef\xbb\xbf"row_number",')
    assert head.decode("utf-8-sig") == '"row_number","record_identifier","errors","ИНН"\r\n'


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
def test_no_text_is_a_formula(text: str) -> None:
    assert table.escape_formula(text) == f"'{text}"


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
def test_other_text_stays_as_it_is(text: str) -> None:
    assert table.escape_formula(text) == text


def test_formulas_are_disarmed_wherever_a_source_can_put_them() -> None:
    evil = "=cmd()"
    cells = line(
        record_identifier=evil,
        errors=[{"field": evil, "code": "x", "message": "y"}],
        record={evil: evil},
    )
    assert [cell[:2] for cell in cells[1:]] == ["'=", "'=", "'="]
    assert ',"\'=cmd()"' in table.header_line([evil]).decode()


def test_a_number_below_zero_is_guarded_like_its_text() -> None:
    assert line(record={"x": -5, "y": "-5", "z": 5})[3:] == ["'-5", "'-5", "5"]


def test_every_cell_is_quoted() -> None:
    """Else a part behind `;` is a cell of its own where Excel splits there, as in Russia."""
    written = table.data_lines(
        [json.dumps(ROW | {"record": {"x": "а;=1+1", "n": 5, "none": None}})], ["x", "n", "none"]
    )
    cells = ["7", "https://t.me/a", "inn: must have 10 or 12 digits; refused", "а;=1+1", "5", ""]
    assert written.decode() == ",".join(f'"{cell}"' for cell in cells) + "\r\n"


@pytest.mark.parametrize("text", ['say "hi", twice', "two\nlines", "two\r\nlines", "semi;colon"])
def test_any_text_comes_back_whole(text: str) -> None:
    assert line(record={"x": text})[3:] == [text]
