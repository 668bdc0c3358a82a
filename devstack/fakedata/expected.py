"""What an import of generated data must report, counted while the data is generated."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

TABLES = ("universities", "branches", "faculties", "groups", "chats", "chat_groups", "administrators")
"""The tables of schema `directory`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCounts:
    """Counters of a first import into an empty database; a second one reports `inserted` as unchanged."""

    total: int
    processed: int
    failed: int
    inserted: int
    duplicates: int
    warnings: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedChats(ExpectedCounts):
    """Of generated chats. `rejected` are row numbers of a sheet or ids of a table."""

    rejected: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ExpectedRejectedRow:
    """A row that must be rejected: its row number, and all its invalid fields (sorted)."""

    row: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedImport(ExpectedCounts):
    """Of a generated workbook."""

    layout: str
    sheet: str
    seed: int
    tables: Mapping[str, int]
    """Rows of each table in schema `directory`."""
    rejected: tuple[ExpectedRejectedRow, ...]

    def counts(self) -> dict[str, Any]:
        """All fields except the list of rejected rows."""
        counts = self.as_dict()
        del counts["rejected"]
        return counts

    def as_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON."""
        return asdict(self)

    def write_beside(self, workbook: Path) -> Path:
        """Write `NAME.expected.json` beside the workbook; returns its path."""
        path = workbook.with_suffix(".expected.json")
        path.write_text(json.dumps(self.as_dict(), ensure_ascii=False, indent=1), encoding="utf-8")
        return path
