"""Rows of formulas that no program has calculated count, are warned of, and are rejected by a code."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from consumer.datasets.base import REJECTS
from consumer.frames import Kind
from tests.support.child import child, orders
from tests.support.workbooks import HEADER

ROWS = 30


@pytest.fixture
def book(inbox: Path) -> Path:
    """Every third row has a formula for its link, every third nothing but formulas."""
    workbook = Workbook()
    page = workbook.active
    assert page is not None
    page.append(HEADER)
    for number in range(ROWS):
        link = f"https://max.ru/{number}"
        kinds: tuple[list[int | str], ...] = (
            [7_707_083_893, link, "Чат"],
            [7_707_083_893, f'="{link}"', "Чат"],
            ["=A2", "=B2", "=C2"],
        )
        page.append(kinds[number % 3])
    workbook.save(inbox / "chats.xlsx")
    return inbox / "chats.xlsx"


@pytest.mark.parametrize("low_memory", [False, True])
def test_rows_of_formulas_without_results_are_rejected_by_code(
    book: Path, scratch: Path, low_memory: bool
) -> None:
    start = orders(book, scratch, frugal=low_memory, dataset="chats", chunk_rows=7)
    with child(start, "consumer.extract") as process:
        frames = process.frames()
    opened = next(frame for frame in frames if frame.kind is Kind.OPENED)
    batches = [frame for frame in frames if frame.kind is Kind.BATCH]
    rejected = "".join(frame.sections.get(REJECTS.name, "") for frame in batches)
    assert opened.header["warnings"] == {"not_recalculated": 1}
    assert [frame.header["rows"] for frame in frames if frame.kind in {Kind.TOTAL, Kind.END}] == [ROWS, ROWS]
    assert sum(frame.header["accepted"] for frame in batches) == ROWS // 3
    assert (rejected.count("\n"), rejected.count("formula_without_value")) == (ROWS * 2 // 3, ROWS)
    assert "open the file in Excel, save it" in rejected
