"""The sources of a soak: workbooks, tables and spreadsheets, and what each must come to.

What the directory holds in the end does not depend on the order of the jobs. Different sources have
different links and universities; those of `shared` have the same chats, with equal values and no КПП, so that
nothing but the tag depends on which of them were loaded, and the tag only rises.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.workbook import make_workbook
from devstack.chats import FAILED, Chat, Maker
from devstack.sheets.book import Cell
from devstack.sheets.rows import HEADER
from tests.support.faults.private import phones_in_cells
from tests.support.reference_rules import read_row
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import Load, read_workbook
from tests.support.workbooks import write_xlsx

WAYS: Mapping[str, tuple[str, ...]] = {
    "excel": ("path", "upload"),
    "database": ("connection",),
    "google_sheets": ("id", "link"),
}
BOOKS: Mapping[str, tuple[int, float, str]] = {
    "small": (150, 0.3, "newest"),
    "english": (900, 0.1, "english"),
    "shuffled": (1_800, 0.07, "shuffled"),
    "large": (3_600, 0.02, "newest"),
}
"""Rows, share of wrong ones, layout."""
TABLES: Mapping[str, tuple[int, float]] = {"few": (200, 0.2), "some": (1_500, 0.05), "many": (4_000, 0.02)}
SHEETS: Mapping[str, tuple[int, float]] = {"few": (150, 0.2), "some": (1_200, 0.05), "many": (3_000, 0.02)}
SHARED, SHARED_ROWS = "shared", 1_500
NAMES: tuple[str, ...] = (
    *(f"excel {name}" for name in (*BOOKS, SHARED)),
    *(f"database {name}" for name in (*TABLES, SHARED)),
    *(f"google_sheets {name}" for name in (*SHEETS, SHARED)),
)
COLUMNS = ("inn", "kpp", "url", "phone", "name")
"""Fields of a sheet, in the order of its header."""
Cells = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Source:
    """Rows by position, as the kind of source has them; the file of a workbook."""

    kind: str
    name: str
    rows: Sequence[tuple[int, Cells]]
    path: Path | None = None

    def into(self, directory: Directory, up_to: int | None = None) -> Load:
        """Load the rows up to a position, or all of them."""
        report, seen = Load(), directory.begin(self.kind)
        for position, cells in self.rows:
            if up_to is not None and position > up_to:
                break
            report.total += 1
            meaning, warnings, wrong = read_row(cells)
            if wrong:
                report.rejected[position] = wrong
                continue
            report.warnings.update(warnings)
            outcome = seen.put(meaning, knows_kpp="kpp" in cells)
            setattr(report, outcome, getattr(report, outcome) + 1)
        return report

    @property
    def phones(self) -> set[str]:
        """The last ten digits of every phone in it."""
        return phones_in_cells(cells for _, cells in self.rows)


def make_pool(folder: Path, seed: int, share: float = 1.0) -> dict[str, Source]:
    """All sources of a seed by name, with a share of the rows; workbooks are written to the folder."""
    made: list[Source] = []
    for number, (name, (rows, wrong, layout)) in enumerate(BOOKS.items()):
        made.append(_book(folder / f"{name}.xlsx", seed * 50 + number, round(rows * share), wrong, layout))
    for number, (name, (rows, wrong)) in enumerate(TABLES.items()):
        table = Maker(
            round(rows * share), seed, tag=f"t{number}", office=f"6{number}", wrong=wrong, kpp=False
        )
        made.append(Source("database", name, list(_as_table(chat for _, chat, _ in table.chats()))))
    for number, (name, (rows, wrong)) in enumerate(SHEETS.items()):
        many = round(rows * share)
        sheet = Maker(many, seed, tag=f"s{number}", office=f"7{number}", wrong=wrong, kpp=True)
        made.append(Source("google_sheets", name, list(_as_sheet(chat for _, chat, _ in sheet.chats()))))
    made += _shared(folder / f"{SHARED}.xlsx", round(SHARED_ROWS * share), seed)
    return {f"{source.kind} {source.name}": source for source in made}


def _book(path: Path, seed: int, rows: int, wrong: float, layout: str) -> Source:
    make_workbook(path, rows=rows, seed=seed, wrong=wrong, layout=layout)
    return Source("excel", path.stem, list(read_workbook(path)), path)


def _shared(path: Path, rows: int, seed: int) -> Iterator[Source]:
    """One and the same list of chats in all three kinds of source."""
    maker = Maker(rows, seed, tag="both", office="80", wrong=0, kpp=False)
    chats = [chat for _, chat, fate in maker.chats() if fate != FAILED]
    yield Source("database", SHARED, list(_as_table(chats)))
    yield Source("google_sheets", SHARED, list(_as_sheet(chats)))
    write_xlsx(path, [HEADER, *(_cells(chat) for chat in chats)])
    yield Source("excel", SHARED, list(read_workbook(path)), path)


def _as_table(chats: Iterator[Chat] | Sequence[Chat]) -> Iterator[tuple[int, Cells]]:
    """Ids have gaps."""
    for number, chat in enumerate(chats):
        row = {"inn": chat.inn, "name": chat.name, "url": chat.url, "phone": chat.phone}
        yield 3 * number + 1, {name: text or None for name, text in row.items()}


def _as_sheet(chats: Iterator[Chat] | Sequence[Chat]) -> Iterator[tuple[int, Cells]]:
    for number, chat in enumerate(chats, 2):
        yield number, dict(zip(COLUMNS, _cells(chat), strict=True))


def _cells(chat: Chat) -> list[Cell]:
    return [text or None for text in chat]


def as_table_row(position: int, cells: Cells) -> tuple[Any, ...]:
    """For the table of chats: id, inn, name, url, admin_phone."""
    return position, cells["inn"], cells["name"], cells["url"], cells["phone"]


def as_sheet_rows(source: Source) -> list[list[Any]]:
    """The worksheet, its header first."""
    return [list(HEADER), *([cells[name] for name in COLUMNS] for _, cells in source.rows)]


def into_inbox(source: Source, inbox: Path) -> str:
    """Put a workbook where requests may name it."""
    assert source.path is not None
    shutil.copy(source.path, inbox / source.path.name)
    return source.path.name
