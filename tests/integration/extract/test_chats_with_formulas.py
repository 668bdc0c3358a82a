"""Rows of formulas without calculated values are counted, warned about, and rejected with a code."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from consumer.datasets.base import REJECTED_ROWS
from consumer.ipc import FrameType
from tests.support.extractor_driver import make_start_header, start_extractor
from tests.support.workbooks import HEADER

ROWS = 30


@pytest.fixture
def workbook_with_formulas(inbox: Path) -> Path:
    """Every third row has a formula for its link, every third only formulas."""
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(HEADER)
    for number in range(ROWS):
        link = f"https://max.ru/{number}"
        kinds: tuple[list[int | str], ...] = (
            [7_707_083_893, link, "Чат"],
            [7_707_083_893, f'="{link}"', "Чат"],
            ["=A2", "=B2", "=C2"],
        )
        sheet.append(kinds[number % 3])
    workbook.save(inbox / "chats.xlsx")
    return inbox / "chats.xlsx"


@pytest.mark.parametrize("low_memory", [False, True])
def test_rows_of_formulas_without_values_are_rejected(
    workbook_with_formulas: Path, scratch: Path, low_memory: bool
) -> None:
    start = make_start_header(
        workbook_with_formulas, scratch, low_memory=low_memory, dataset="chats", chunk_rows=7
    )
    with start_extractor(start, "consumer.extract") as process:
        frames = process.read_all()
    opened = next(frame for frame in frames if frame.frame_type is FrameType.OPENED)
    batches = [frame for frame in frames if frame.frame_type is FrameType.BATCH]
    rejected = "".join(frame.sections.get(REJECTED_ROWS.name, "") for frame in batches)
    assert opened.header["warnings"] == {"not_recalculated": 1}
    assert [
        frame.header["rows"] for frame in frames if frame.frame_type in {FrameType.TOTAL, FrameType.END}
    ] == [ROWS, ROWS]
    assert sum(frame.header["accepted"] for frame in batches) == ROWS // 3
    assert (rejected.count("\n"), rejected.count("formula_without_value")) == (ROWS * 2 // 3, ROWS)
    assert "open the file in Excel, save it" in rejected
