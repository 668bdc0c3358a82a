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

from devstack.fake_sheets.spreadsheets import SheetValue
from devstack.fakedata.bot_sheet import HEADER
from devstack.fakedata.chats import ChatGenerator, GeneratedChat
from devstack.fakedata.counters import FAILED
from devstack.fakedata.workbook import make_workbook
from tests.support.faults.pii_scan import phones_in_cells
from tests.support.reference_rules import read_row
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import ExpectedLoad, read_workbook
from tests.support.workbooks import write_xlsx

REFERENCES: Mapping[str, tuple[str, ...]] = {
    "excel": ("path", "upload"),
    "database": ("connection",),
    "google_sheets": ("id", "link"),
}
WORKBOOKS: Mapping[str, tuple[int, float, str]] = {
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
    *(f"excel {name}" for name in (*WORKBOOKS, SHARED)),
    *(f"database {name}" for name in (*TABLES, SHARED)),
    *(f"google_sheets {name}" for name in (*SHEETS, SHARED)),
)
COLUMNS = ("inn", "kpp", "url", "phone", "name")
"""Fields of a sheet, in the order of its header."""
Cells = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SoakSource:
    """Rows by position, as the kind of source has them; the file of a workbook."""

    kind: str
    name: str
    rows: Sequence[tuple[int, Cells]]
    path: Path | None = None

    def load_into(self, directory: Directory, up_to: int | None = None) -> ExpectedLoad:
        """Load the rows up to a position, or all of them."""
        report, seen = ExpectedLoad(), directory.start_load(self.kind)
        for position, cells in self.rows:
            if up_to is not None and position > up_to:
                break
            report.total += 1
            meaning, warnings, wrong = read_row(cells)
            if wrong:
                report.rejected[position] = wrong
                continue
            report.warnings.update(warnings)
            outcome = seen.store_row(meaning, has_kpp_column="kpp" in cells)
            setattr(report, outcome, getattr(report, outcome) + 1)
        return report

    @property
    def phones(self) -> set[str]:
        """The last ten digits of every phone in it."""
        return phones_in_cells(cells for _, cells in self.rows)


def make_sources(folder: Path, seed: int, row_share: float = 1.0) -> dict[str, SoakSource]:
    """All sources of a seed by name, with a share of the rows; workbooks are written to the folder."""
    made: list[SoakSource] = []
    for number, (name, (rows, wrong, layout)) in enumerate(WORKBOOKS.items()):
        made.append(
            _make_workbook(
                folder / f"{name}.xlsx", seed * 50 + number, round(rows * row_share), wrong, layout
            )
        )
    for number, (name, (rows, wrong)) in enumerate(TABLES.items()):
        table = ChatGenerator(
            round(rows * row_share),
            seed,
            tag=f"t{number}",
            tax_office=f"6{number}",
            invalid_share=wrong,
            with_kpp=False,
        )
        made.append(SoakSource("database", name, list(_table_rows(chat for _, chat, _ in table.chats()))))
    for number, (name, (rows, wrong)) in enumerate(SHEETS.items()):
        many = round(rows * row_share)
        sheet = ChatGenerator(
            many, seed, tag=f"s{number}", tax_office=f"7{number}", invalid_share=wrong, with_kpp=True
        )
        made.append(
            SoakSource("google_sheets", name, list(_sheet_rows(chat for _, chat, _ in sheet.chats())))
        )
    made += _make_shared(folder / f"{SHARED}.xlsx", round(SHARED_ROWS * row_share), seed)
    return {f"{source.kind} {source.name}": source for source in made}


def _make_workbook(path: Path, seed: int, rows: int, rejected_share: float, layout: str) -> SoakSource:
    make_workbook(path, rows=rows, seed=seed, invalid_share=rejected_share, layout=layout)
    return SoakSource("excel", path.stem, list(read_workbook(path)), path)


def _make_shared(path: Path, rows: int, seed: int) -> Iterator[SoakSource]:
    """One and the same list of chats in all three kinds of source."""
    maker = ChatGenerator(rows, seed, tag="both", tax_office="80", invalid_share=0, with_kpp=False)
    chats = [chat for _, chat, fate in maker.chats() if fate != FAILED]
    yield SoakSource("database", SHARED, list(_table_rows(chats)))
    yield SoakSource("google_sheets", SHARED, list(_sheet_rows(chats)))
    write_xlsx(path, [HEADER, *(_cells(chat) for chat in chats)])
    yield SoakSource("excel", SHARED, list(read_workbook(path)), path)


def _table_rows(chats: Iterator[GeneratedChat] | Sequence[GeneratedChat]) -> Iterator[tuple[int, Cells]]:
    """Ids have gaps."""
    for number, chat in enumerate(chats):
        row = {"inn": chat.inn, "name": chat.name, "url": chat.url, "phone": chat.phone}
        yield 3 * number + 1, {name: text or None for name, text in row.items()}


def _sheet_rows(chats: Iterator[GeneratedChat] | Sequence[GeneratedChat]) -> Iterator[tuple[int, Cells]]:
    for number, chat in enumerate(chats, 2):
        yield number, dict(zip(COLUMNS, _cells(chat), strict=True))


def _cells(chat: GeneratedChat) -> list[SheetValue]:
    return [text or None for text in chat]


def to_table_row(position: int, cells: Cells) -> tuple[Any, ...]:
    """For the table of chats: id, inn, name, url, admin_phone."""
    return position, cells["inn"], cells["name"], cells["url"], cells["phone"]


def to_sheet_rows(source: SoakSource) -> list[list[Any]]:
    """The worksheet, its header first."""
    return [list(HEADER), *([cells[name] for name in COLUMNS] for _, cells in source.rows)]


def copy_to_inbox(source: SoakSource, inbox: Path) -> str:
    """Put a workbook where requests may name it."""
    assert source.path is not None
    shutil.copy(source.path, inbox / source.path.name)
    return source.path.name
