"""Workbooks whose import is known beforehand, by a reading that has nothing of the product in it."""

import copy
from dataclasses import dataclass
from pathlib import Path

from devstack.fakedata.workbook import make_workbook
from tests.support.faults.pii_scan import phones_in_workbook
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import ExpectedLoad, load_into


@dataclass(frozen=True, slots=True)
class GoldenWorkbook:
    """A workbook, and what a first load of it makes."""

    path: Path
    expected_directory: Directory
    expected_load: ExpectedLoad
    phones: set[str]

    @classmethod
    def make(cls, path: Path, rows: int, seed: int = 5, rejected_share: float = 0.07) -> "GoldenWorkbook":
        """Make one with odd and repeated rows, and a share of wrong ones."""
        make_workbook(path, rows=rows, seed=seed, invalid_share=rejected_share)
        directory = Directory()
        return cls(path, directory, load_into(directory, path), phones_in_workbook(path))

    def directory_up_to(self, position: int | None) -> Directory:
        """The directory after all rows up to a position are stored."""
        directory = Directory()
        load_into(directory, self.path, up_to=position or 0)
        return directory

    def load_into(self, directory: Directory) -> tuple[Directory, ExpectedLoad]:
        """The directory after a load of it, and what the load reports."""
        if not directory.chats:
            return copy.deepcopy(self.expected_directory), self.expected_load
        report = load_into(directory, self.path)
        return directory, report
