"""Workbooks whose import is known beforehand, by a reading that has nothing of the product in it."""

import copy
from dataclasses import dataclass
from pathlib import Path

from benchmarks.workbook import make_workbook
from tests.support.faults.private import phones_in
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import Load, load


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook, and what a first load of it makes."""

    path: Path
    directory: Directory
    load: Load
    phones: set[str]

    @classmethod
    def make(cls, path: Path, rows: int, seed: int = 5, wrong: float = 0.07) -> "Book":
        """Make one with odd and repeated rows, and a share of wrong ones."""
        make_workbook(path, rows=rows, seed=seed, wrong=wrong)
        directory = Directory()
        return cls(path, directory, load(directory, path), phones_in(path))

    def up_to(self, position: int | None) -> Directory:
        """What stands in the directory when all rows up to a position are stored."""
        directory = Directory()
        load(directory, self.path, last=position or 0)
        return directory

    def into(self, directory: Directory) -> tuple[Directory, Load]:
        """The directory after a load of it, and what the load reports."""
        if not directory.chats:
            return copy.deepcopy(self.directory), self.load
        report = load(directory, self.path)
        return directory, report
