"""A cell counts as unchanged whatever a spreadsheet program does to it while it saves the file."""

from datetime import date, datetime

import pytest

from consumer.cells.chunks import ERROR_CELL, FORMULA_WITHOUT_VALUE, Cell
from consumer.extract.corrections.cell_texts import comparable_cell, comparable_text


@pytest.mark.parametrize(
    ("stored", "cell"),
    [
        (None, None),
        (None, ""),
        (None, " \N{NO-BREAK SPACE}"),
        (None, ERROR_CELL),
        (None, FORMULA_WITHOUT_VALUE),
        ("007", "007"),
        ("+79161234567", "+79161234567"),
        ("a\nb", "a\r\nb"),
        ("  a ", "a"),
        (7, 7.0),
        ("7", 7.0),
        (7.5, 7.5),
        (7.5, "7.5"),
        (True, True),
        (True, "true"),
        ("2026-03-01T00:00:00", datetime(2026, 3, 1)),  # noqa: DTZ001
        ("2026-03-01T00:00:00", date(2026, 3, 1)),
        ("2026-03-01", datetime(2026, 3, 1)),  # noqa: DTZ001
        ("1.2345678901234568e+16", 12345678901234568.0),
        ("\\u0000", "\\u0000"),
    ],
)
def test_saved_cell_equals_stored_value(stored: str | float | bool | None, cell: Cell) -> None:
    assert comparable_cell(cell) == comparable_text(stored)


@pytest.mark.parametrize(
    ("stored", "cell"),
    [
        (None, "0"),
        (None, 0.0),
        (None, False),
        ("007", 7.0),
        ("007", "7"),
        (7.5, 7.0),
        ("a b", "ab"),
        ("2026-03-01", date(2026, 3, 2)),
        ("12", "7707083893"),
    ],
)
def test_other_cell_counts_as_changed(stored: str | float | bool | None, cell: Cell) -> None:
    assert comparable_cell(cell) != comparable_text(stored)
