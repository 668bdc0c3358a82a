"""Reference implementation of a load: reads a workbook with openpyxl and stores row by row in memory.

Simple, slow and independent: it imports nothing of the service. Several loads into one `Directory` give the
expected state after all of them.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl

from tests.support.reference_rules import read_row
from tests.support.reference_tables import Directory
from tests.support.reference_text import is_nonblank

HEADERS: Mapping[str, str] = {
    "region_number": "№ региона, номер региона, region number",
    "region": "регион, region",
    "foiv": "ФОИВ, foiv",
    "external_chat_id": "ID чата, chat id",
    "name": "название чата, chat name, name",
    "url": "ссылка на чат, ссылка, chat url, url, link",
    "participants": (
        "кол-во участников чата, количество участников чата, кол-во участников, "
        "participants, participants count"
    ),
    "owner_id": "ID владельца чата, max id, owner id",
    "phone": (
        "телефон владельца чата, номер телефона администратора, телефон администратора, телефон, "
        "admin phone, owner phone, phone, phone1"
    ),
    "created_on": "дата создания чата, created, created at",
    "creator_id": "ID создателя чата, creator id",
    "organization": "организация, наименование организации, organization, org name",
    "inn": "ИНН, ИНН организации, inn",
    "kpp": "КПП, КПП организации, kpp",
    "branch": (
        "головная организация, наименование головного подразделения, "
        "наименование головного подразделения/филиала, филиал, подразделение, branch"
    ),
    "faculty": (
        "факультет, институт, структурная классификация, "
        "факультет/институт/иная структурная классификация, faculty, institute"
    ),
    "course": "курс, курс обучения, course",
    "group": "группа, номер группы, group, group number",
    "add_user": "добавлен пользователь, добавлени пользователь, add user",
    "add_admin": "добавлен администратор, add admin",
}


@dataclass
class ExpectedLoad:
    """The expected counts of a load; `rejected` maps row numbers to their invalid fields."""

    total: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    rejected: dict[int, list[str]] = field(default_factory=dict)

    @property
    def processed(self) -> int:
        """Number of accepted rows."""
        return sum(self.counts())

    def counts(self) -> tuple[int, int, int, int]:
        """Accepted rows by outcome."""
        return self.inserted, self.updated, self.unchanged, self.duplicates

    @property
    def failed(self) -> int:
        """Number of rejected rows."""
        return len(self.rejected)


def normalize_header(header: object) -> str:
    """Letters and digits of a header cell, which is all that is compared."""
    text = unicodedata.normalize("NFKC", str(header or "")).casefold().replace("ё", "е")
    return "".join(char for char in text if char.isalnum())


FIELD_BY_HEADER = {
    normalize_header(spelling): name for name, known in HEADERS.items() for spelling in known.split(", ")
}


def load_into(
    directory: Directory,
    workbook: Path,
    sheet: str | None = None,
    source: str = "excel",
    up_to: int | None = None,
) -> ExpectedLoad:
    """Load all rows of the workbook, or those up to row number `up_to`."""
    rows = read_workbook(workbook, sheet)
    return load_rows(directory, ((n, cells) for n, cells in rows if up_to is None or n <= up_to), source)


def load_rows(
    directory: Directory, rows: Iterable[tuple[int, Mapping[str, object]]], source: str = "excel"
) -> ExpectedLoad:
    """Load rows given by number and cells (by field)."""
    report, load = ExpectedLoad(), directory.start_load(source)
    for number, cells in rows:
        report.total += 1
        values, warnings, invalid_fields = read_row(cells)
        if invalid_fields:
            report.rejected[number] = invalid_fields
            continue
        report.warnings.update(warnings)
        outcome = load.store_row(values, has_kpp_column="kpp" in cells)
        setattr(report, outcome, getattr(report, outcome) + 1)
    if load.ambiguous_rows:
        report.warnings["inn_ambiguous"] = load.ambiguous_rows
    return report


def read_workbook(workbook: Path, sheet: str | None = None) -> Iterator[tuple[int, dict[str, object]]]:
    """Row number and cells (by field) of every row below the header with a visible character."""
    rows = _rows(workbook, sheet)
    columns: dict[str, int] | None = None
    candidates = 0
    for number, row in rows:
        if not any(is_nonblank(value) for value in row):
            continue
        if columns is None:
            candidates += 1
            columns = _columns(row)
            if columns is None and candidates == 10:
                raise LookupError("none of the first ten rows is a header")
            continue
        yield number, {name: row[i] if i < len(row) else None for name, i in columns.items()}


def _columns(row: Sequence[object]) -> dict[str, int] | None:
    known = [
        (FIELD_BY_HEADER[normalize_header(cell)], index)
        for index, cell in enumerate(row)
        if normalize_header(cell) in FIELD_BY_HEADER
    ]
    columns = dict(known)
    if not {"inn", "url"} <= columns.keys():
        return None
    if len(columns) < len(known):
        raise LookupError("two columns for one field")
    return columns


def _rows(workbook: Path, name: str | None) -> Iterator[tuple[int, list[object]]]:
    book = openpyxl.load_workbook(workbook, read_only=True, data_only=True)
    try:
        sheet: Any = book[_sheet_name(book.sheetnames, name)]
        sheet.reset_dimensions()  # the size in the file may be wrong
        for number, row in enumerate(sheet.iter_rows(), 1):
            yield number, [None if cell.data_type == "e" else cell.value for cell in row]
    finally:
        book.close()


def _sheet_name(names: Sequence[str], requested: str | None) -> str:
    if requested is not None:
        return requested
    folded = ["".join(name.split()).casefold() for name in names]
    return "Чаты" if "Чаты" in names else names[folded.index("чаты")] if "чаты" in folded else names[0]
