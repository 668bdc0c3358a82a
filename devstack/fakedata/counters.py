"""Counters that generators update with each row, to know what an import must report."""

from collections import Counter

from devstack.fakedata.expected import TABLES, ExpectedChats, ExpectedImport, ExpectedRejectedRow
from devstack.fakedata.valid_rows import GeneratedRow

INSERTED, DUPLICATE, FAILED = "inserted", "duplicate", "failed"


class OutcomeCounter:
    """Counts the outcomes of generated chats: INSERTED, DUPLICATE, FAILED, or the code of a warning."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._rejected: list[int] = []

    def add(self, position: int, outcome: str) -> None:
        """Count a row; `position` is its row number or id."""
        self._outcomes[outcome] += 1
        if outcome == FAILED:
            self._rejected.append(position)

    def expected(self) -> ExpectedChats:
        """The sums."""
        outcomes = self._outcomes
        total, failed, duplicates = outcomes.total(), outcomes[FAILED], outcomes[DUPLICATE]
        return ExpectedChats(
            total=total,
            processed=total - failed,
            failed=failed,
            inserted=total - failed - duplicates,
            duplicates=duplicates,
            warnings={
                code: outcomes[code] for code in sorted(outcomes.keys() - {INSERTED, DUPLICATE, FAILED})
            },
            rejected=tuple(self._rejected),
        )


class ImportCounter:
    """Counts the rejected rows, warnings and table rows of one workbook."""

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
        """Count an accepted row with a new link."""
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
            warnings=dict(sorted(self.warnings.items())), tables=self._table_sizes(),
            rejected=tuple(self.rejected),
        )  # fmt: skip

    def _table_sizes(self) -> dict[str, int]:
        org_units = [len(keys) for keys in (self.universities, self.branches, self.faculties, self.groups)]
        sizes = [*org_units, self.inserted, self.chat_groups, self.administrators]
        return dict(zip(TABLES, sizes, strict=True))


def group_key(row: GeneratedRow) -> tuple[str | int | None, ...]:
    """The natural key of the row's group, course included."""
    return (*row.university, row.branch, row.faculty, row.course, row.group)
