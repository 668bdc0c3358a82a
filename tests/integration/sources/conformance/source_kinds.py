"""The kinds of source, and in what they may differ."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.other_workbooks import write_ods, write_xlsb
from tests.support.source_fixtures import (
    SourceFixture,
    TableFixture,
    WorkbookFixture,
    WorksheetFixture,
    WriteWorkbook,
)
from tests.support.workbooks import write_xlsx

SHEET_LAYOUT_ERRORS = ("missing_column", "duplicate_column", "no_header")


@dataclass(frozen=True)
class SourceKind:
    """A kind of source, and what can be wrong with a layout of it.

    `not_found_code` is what a source is called that is not there. `is_staged` sources are copied whole before they
    are read: what becomes of them then matters no more. `has_stable_ids` rows are known by a key and never move;
    rows that are added belong to the next job.
    """

    name: str
    make_fixture: Callable[[Path, Callable[[], str]], SourceFixture]
    not_found_code: str
    layout_errors: tuple[str, ...] = SHEET_LAYOUT_ERRORS
    low_memory: bool = False
    is_staged: bool = False
    has_stable_ids: bool = False
    max_growth_bytes: int = 8 << 20
    """What ten times the rows of the test of memory may take more."""


def _workbook(name: str, write: WriteWorkbook, *, low_memory: bool = False) -> SourceKind:
    def place(inbox: Path, _: Callable[[], str]) -> SourceFixture:
        return WorkbookFixture(inbox, write)

    # A workbook lists its texts once and for all, and a row only points there: they stay in memory.
    return SourceKind(
        name, place, "file_not_found", low_memory=low_memory, is_staged=True, max_growth_bytes=48 << 20
    )


XLSX = _workbook("xlsx", write_xlsx)
DATABASE = SourceKind(
    "database",
    lambda _, database: TableFixture(database()),
    "table_not_found",
    layout_errors=("missing_column",),
    has_stable_ids=True,
)
GOOGLE_SHEETS = SourceKind(
    "google_sheets",
    lambda _, __: WorksheetFixture(),
    "spreadsheet_not_found",
    max_growth_bytes=16 << 20,  # the fewer rows are not even two full blocks
)

READERS = [
    XLSX,
    _workbook("xlsx, low memory", write_xlsx, low_memory=True),
    _workbook("xlsb", write_xlsb),
    _workbook("ods", write_ods),
    DATABASE,
    GOOGLE_SHEETS,
]
"""Everything that reads in a way of its own."""
KINDS = [XLSX, DATABASE, GOOGLE_SHEETS]
"""One for each type of source."""
UNSTAGED = [kind for kind in KINDS if not kind.is_staged]


def kind_id(param: Any) -> str:
    """For the ids of tests."""
    return param.name if isinstance(param, SourceKind) else str(param)
