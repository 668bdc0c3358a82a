"""The kinds of source, and in what they may differ."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.other_workbooks import write_ods, write_xlsb
from tests.support.places import Place, Table, Workbook, Worksheets, Write
from tests.support.workbooks import write_xlsx

SHEET_FAULTS = ("missing_column", "duplicate_column", "no_header")


@dataclass(frozen=True)
class Kind:
    """A kind of source, and what can be wrong with a layout of it.

    `missing` is what a source is called that is not there. `fetched` sources are copied whole before they
    are read: what becomes of them then matters no more. `keyed` rows are known by a key and never move;
    rows that are added belong to the next job.
    """

    name: str
    place: Callable[[Path, Callable[[], str]], Place]
    missing: str
    faults: tuple[str, ...] = SHEET_FAULTS
    frugal: bool = False
    fetched: bool = False
    keyed: bool = False
    growth_bytes: int = 8 << 20
    """What ten times the rows of the test of memory may take more."""


def _workbook(name: str, write: Write, *, frugal: bool = False) -> Kind:
    def place(inbox: Path, _: Callable[[], str]) -> Place:
        return Workbook(inbox, write)

    # A workbook lists its texts once and for all, and a row only points there: they stay in memory.
    return Kind(name, place, "file_not_found", frugal=frugal, fetched=True, growth_bytes=48 << 20)


XLSX = _workbook("xlsx", write_xlsx)
DATABASE = Kind(
    "database",
    lambda _, database: Table(database()),
    "table_not_found",
    faults=("missing_column",),
    keyed=True,
)
GOOGLE_SHEETS = Kind(
    "google_sheets",
    lambda _, __: Worksheets(),
    "spreadsheet_not_found",
    growth_bytes=16 << 20,  # the fewer rows are not even two full blocks
)

READERS = [
    XLSX,
    _workbook("xlsx, frugally", write_xlsx, frugal=True),
    _workbook("xlsb", write_xlsb),
    _workbook("ods", write_ods),
    DATABASE,
    GOOGLE_SHEETS,
]
"""Everything that reads in a way of its own."""
KINDS = [XLSX, DATABASE, GOOGLE_SHEETS]
"""One for each type of source."""
CONNECTED = [kind for kind in KINDS if not kind.fetched]


def name_of(param: Any) -> str:
    """For the ids of tests."""
    return param.name if isinstance(param, Kind) else str(param)
