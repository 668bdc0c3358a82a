"""Reference implementation of corrections: what becomes of each row of a workbook of rejected rows.

Simple, slow and independent: it compares the workbook with the one that was exported, cell by cell, and
imports nothing of the service. It knows rows by the row number that people see.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl

from tests.support.reference_rules import read_row
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import FIELD_BY_HEADER, ExpectedLoad, load_rows, normalize_header

ROW_NUMBERS = ("Строка", "Row")
SKIP = ("Пропустить", "Skip")
YES = ("да", "yes")
CUT_MARK = "…"
WHOLE_ROW = ""
"""In place of a field, where the row as a whole is rejected."""
OPEN, CORRECTED, DISMISSED = "open", "corrected", "dismissed"

Cells = dict[str, Any]
"""Cells by field of the dataset."""


@dataclass
class ExpectedCorrection:
    """What a correction reports. `load` is of the rows that were checked, its `total` of those alone."""

    load: ExpectedLoad
    untouched: int = 0
    dismissed: int = 0
    already_corrected: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """The counters of the job."""
        counted = self.untouched + self.dismissed + self.already_corrected
        return {
            "total": self.load.total + counted,
            "processed": self.load.processed,
            "inserted": self.load.inserted,
            "updated": self.load.updated,
            "unchanged": self.load.unchanged,
            "duplicates": self.load.duplicates,
            "failed": self.load.failed,
            "untouched": self.untouched,
            "dismissed": self.dismissed,
            "already_corrected": self.already_corrected,
        }


@dataclass
class RejectedRows:
    """The rejected rows of an import: `states` by row number, all of them open at first."""

    states: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, load: ExpectedLoad) -> "RejectedRows":
        """Those that an import has just rejected."""
        return cls(dict.fromkeys(load.rejected, OPEN))

    def count(self, state: str) -> int:
        """How many are in a state."""
        return sum(each == state for each in self.states.values())

    def correct(self, directory: Directory, exported: Path, sent: Path) -> ExpectedCorrection:
        """Correct them by the workbook `sent`, which was made from `exported`."""
        before = {number: cells for number, _, cells in read_rejected(exported)}
        expected = ExpectedCorrection(ExpectedLoad())
        checked, cut = [], []
        for number, is_skipped, cells in read_rejected(sent):
            if self.states[number] == CORRECTED:
                expected.already_corrected += 1
            elif is_skipped:
                expected.dismissed += 1
                self.states[number] = DISMISSED
            elif cells == before[number]:
                expected.untouched += 1
            elif any(value == cells[name] and _is_cut(value) for name, value in before[number].items()):
                cut.append((number, cells))
            else:
                checked.append((number, cells))
        expected.load = load_rows(directory, checked)
        expected.load.total += len(cut)
        expected.load.rejected |= {number: [WHOLE_ROW, *read_row(cells)[2]] for number, cells in cut}
        for number, _ in checked:
            if number not in expected.load.rejected:
                self.states[number] = CORRECTED
        return expected


def _is_cut(value: object) -> bool:
    """Whether the end of a text is missing in the workbook."""
    return isinstance(value, str) and value.endswith(CUT_MARK)


def read_rejected(workbook: Path) -> list[tuple[int, bool, Cells]]:
    """Row number, whether it is to be skipped, and the cells of each row, in the order of the workbook."""
    book = openpyxl.load_workbook(workbook, read_only=True)
    try:
        table: list[tuple[Any, ...]] = list(book.worksheets[0].iter_rows(values_only=True))
        header, *rows = table
        index = {str(name): number for number, name in enumerate(header)}
        fields = _fields(index)
        number_at, skip_at = (
            next(index[name] for name in names if name in index) for names in (ROW_NUMBERS, SKIP)
        )
        return [
            (int(row[number_at]), row[skip_at] in YES, {name: row[at] for name, at in fields.items()})
            for row in rows
        ]
    finally:
        book.close()


def _fields(index: Mapping[str, int]) -> dict[str, int]:
    found = {normalize_header(name): at for name, at in index.items()}
    return {FIELD_BY_HEADER[name]: at for name, at in found.items() if name in FIELD_BY_HEADER}
