"""Our own columns are found and decoded in whatever order a person leaves them."""

from typing import Any

import pytest

from consumer.cells.chunks import Cell
from consumer.sources.corrections.header import match_header
from consumer.sources.corrections.rows import is_yes, parse_row_number, read_rows
from consumer.sources.row_block import RowBlock

LABELS = ["ИНН", "Ссылка", "№ региона"]
HEADER = ["Строка", "Что не так", "Что сделать", "Пропустить", *LABELS, "row_key"]


def _block(*rows: list[Any], first: int = 1) -> RowBlock:
    width = max(map(len, rows))
    padded = [row + [None] * (width - len(row)) for row in rows]
    return RowBlock(
        list(range(first, first + len(rows))), [list(column) for column in zip(*padded, strict=True)]
    )


def test_header_has_our_columns_and_those_of_the_source() -> None:
    header = match_header(1, HEADER, LABELS)
    assert header is not None
    assert (header.row_number, header.skip, header.key) == (0, 3, 7)
    assert header.labels == {"ИНН": 4, "Ссылка": 5, "№ региона": 6}


def test_columns_are_found_in_another_order_among_others() -> None:
    header = match_header(1, ["row_key", "мой", "Ссылка", "Skip", "Row", "ИНН"], LABELS)
    assert header is not None
    assert (header.row_number, header.skip, header.key) == (4, 3, 0)
    assert header.labels == {"ИНН": 5, "Ссылка": 2}


def test_our_column_comes_before_one_of_the_source_with_its_name() -> None:
    header = match_header(1, ["Строка", "Пропустить", "Строка", "row_key"], ["Строка"])
    assert header is not None
    assert header.row_number == 0


@pytest.mark.parametrize(
    "cells",
    [
        ["ИНН", "Ссылка"],
        ["Строка", "Что не так"],
        ["Отчёт за ноябрь", None],
        [],
    ],
)
def test_row_without_key_or_row_numbers_is_no_header(cells: list[Cell]) -> None:
    assert match_header(1, cells, LABELS) is None


def test_header_without_key_is_known_by_row_numbers() -> None:
    header = match_header(1, ["Строка", "ИНН"], LABELS)
    assert header is not None
    assert header.key is None


def test_rows_below_the_header_are_decoded() -> None:
    block = _block(
        ["Отчёт"],
        HEADER,
        [3.0, "", "", "да", 12.0, " ", None, " v1:1 "],
        [None] * 8,
        ["4", "", "", None, "12", "https://a", "1"],
    )
    header, rows = read_rows([block], 1 << 21, LABELS)
    assert header is not None
    first, second = rows
    assert (first.position, first.key, first.row_number, first.skip) == ((1 << 21) + 3, "v1:1", 3, True)
    assert first.cells == {"ИНН": 12.0, "Ссылка": None, "№ региона": None}
    assert (second.position, second.key, second.row_number, second.skip) == ((1 << 21) + 5, "", 4, False)
    assert second.cells == {"ИНН": "12", "Ссылка": "https://a", "№ региона": "1"}


def test_sheet_without_our_header_has_no_rows() -> None:
    header, rows = read_rows([_block(*[["x", "y"]] * 30)], 0, LABELS)
    assert header is None
    assert list(rows) == []


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (3.0, 3),
        (3, 3),
        ("3", 3),
        (" 3.0 ", 3),
        ("-5", -5),
        (3.5, None),
        (True, None),
        (None, None),
        ("III", None),
        ("٣", None),
        ("9" * 30, None),
    ],
)
def test_row_number_is_read_as_programs_store_it(cell: Cell, number: int | None) -> None:
    assert parse_row_number(cell) == number


@pytest.mark.parametrize("cell", ["да", "Да", " ДА ", "yes", "Yes", True, 1.0, "x", "+"])
def test_yes_in_either_language_skips(cell: Cell) -> None:
    assert is_yes(cell)


@pytest.mark.parametrize("cell", ["нет", "no", "", None, False, 0.0, "не знаю", 2.0])
def test_anything_else_does_not_skip(cell: Cell) -> None:
    assert not is_yes(cell)
