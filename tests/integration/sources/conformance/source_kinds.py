"""The kinds of source, and how they differ."""

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
    """A kind of source, and the codes of its layout errors.

    `not_found_code` is the error for a missing source. `is_staged` sources are copied before they are read,
    so that later changes have no effect. `has_stable_ids` rows have a key and never move; rows that are added
    belong to the next job.
    """

    name: str
    make_fixture: Callable[[Path, Callable[[], str]], SourceFixture]
    not_found_code: str
    layout_errors: tuple[str, ...] = SHEET_LAYOUT_ERRORS
    low_memory: bool = False
    is_staged: bool = False
    has_stable_ids: bool = False
    max_growth_bytes: int = 8 << 20
    """How much more memory ten times the rows may take."""


def _workbook(name: str, write: WriteWorkbook, *, low_memory: bool = False) -> SourceKind:
    def make_fixture(inbox: Path, _: Callable[[], str]) -> SourceFixture:
        return WorkbookFixture(inbox, write)

    # Shared strings stay in memory, since rows refer to them by index.
    return SourceKind(
        name, make_fixture, "file_not_found", low_memory=low_memory, is_staged=True, max_growth_bytes=48 << 20
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
    max_growth_bytes=16 << 20,  # the small source has fewer than two full blocks
)

READERS = [
    XLSX,
    _workbook("xlsx, low memory", write_xlsx, low_memory=True),
    _workbook("xlsb", write_xlsb),
    _workbook("ods", write_ods),
    DATABASE,
    GOOGLE_SHEETS,
]
"""All readers."""
KINDS = [XLSX, DATABASE, GOOGLE_SHEETS]
"""One kind for each type of source."""
UNSTAGED = [kind for kind in KINDS if not kind.is_staged]


def kind_id(param: Any) -> str:
    """The id of a parameter."""
    return param.name if isinstance(param, SourceKind) else str(param)
