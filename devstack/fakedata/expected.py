"""What an import of a made workbook must report, known while it is made."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from devstack.fakedata.valid_rows import GeneratedRow


@dataclass(frozen=True, slots=True)
class ExpectedRejectedRow:
    """A row that must be rejected: its physical number, and every field that is wrong (sorted)."""

    row: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExpectedImport:
    """The counts of a first load into an empty database; a second one reports `inserted` as unchanged."""

    layout: str
    sheet: str
    seed: int
    total: int
    processed: int
    failed: int
    inserted: int
    duplicates: int
    warnings: Mapping[str, int]
    tables: Mapping[str, int]
    """Rows of each table in schema `directory`."""
    rejected: tuple[ExpectedRejectedRow, ...]

    def counts(self) -> dict[str, Any]:
        """Everything but the list of rejected rows."""
        counts = self.as_dict()
        del counts["rejected"]
        return counts

    def as_dict(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        return asdict(self)

    def write_beside(self, workbook: Path) -> Path:
        """Write `NAME.expected.json` beside the workbook."""
        path = workbook.with_suffix(".expected.json")
        path.write_text(json.dumps(self.as_dict(), ensure_ascii=False, indent=1), encoding="utf-8")
        return path


class ImportCounter:
    """Counts what the rows of one load make, as they are written."""

    def __init__(self) -> None:
        self.rejected: list[ExpectedRejectedRow] = []
        self.warnings: Counter[str] = Counter()
        self.inserted = self.duplicates = self.chat_groups = self.administrators = 0
        self.universities: set[tuple[str, str]] = set()
        self.branches: set[tuple[str, ...]] = set()
        self.faculties: set[tuple[str, ...]] = set()
        self.groups: set[tuple[str | int | None, ...]] = set()

    def add_org_units(self, row: GeneratedRow) -> None:
        """Count the university, branch, faculty and group of an accepted row."""
        self.universities.add(row.university)
        if row.branch:
            self.branches.add((*row.university, row.branch))
        if row.faculty:
            self.faculties.add((*row.university, row.branch, row.faculty))
        if row.group:
            self.groups.add(group_key(row))

    def add_inserted(self, row: GeneratedRow, warning: str | None) -> None:
        """Count an accepted row whose link is new."""
        self.add_org_units(row)
        self.inserted += 1
        self.chat_groups += bool(row.group)
        self.administrators += bool(row.phone)
        if warning:
            self.warnings[warning] += 1

    def expected(self, layout: str, sheet: str, seed: int) -> ExpectedImport:
        """The sums."""
        processed, failed = self.inserted + self.duplicates, len(self.rejected)
        return ExpectedImport(
            layout=layout, sheet=sheet, seed=seed, total=processed + failed, processed=processed,
            failed=failed, inserted=self.inserted, duplicates=self.duplicates,
            warnings=dict(sorted(self.warnings.items())), tables=self._tables(),
            rejected=tuple(self.rejected),
        )  # fmt: skip

    def _tables(self) -> dict[str, int]:
        return {
            "universities": len(self.universities),
            "branches": len(self.branches),
            "faculties": len(self.faculties),
            "groups": len(self.groups),
            "chats": self.inserted,
            "chat_groups": self.chat_groups,
            "administrators": self.administrators,
        }


def group_key(row: GeneratedRow) -> tuple[str | int | None, ...]:
    """The key of the row's group, course included."""
    return (*row.university, row.branch, row.faculty, row.course, row.group)
