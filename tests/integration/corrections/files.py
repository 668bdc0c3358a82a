"""Files of rejected rows as tests edit them, made from the database without the writer of the service."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl

from consumer.rejected_file.formula_escape import escape_formula
from consumer.rejected_file.row_key import RowKey, record_digest
from consumer.store.database import Database
from tests.support.job_factories import fetch

REJECTED = """
select j.id, j.run, j.load, e.row_number, e.record::text
from migration.jobs j join migration.migration_errors e on e.job_id = j.id and e.load = j.load
where j.request_id = $1 order by e.row_number
"""
COLUMNS = """
select value ->> 'name' from migration.jobs, json_array_elements(source_columns -> 'columns') value
where request_id = $1
"""
OWN_BEFORE = ("Строка", "Что не так", "Что сделать", "Пропустить")
OWN_AFTER = ("row_key",)


@dataclass
class Row:
    """A row of the file; `cells` by column of the source."""

    number: int | str | None
    key: str | None
    cells: dict[str, Any]
    skip: str | None = None

    def copy(self, **cells: Any) -> "Row":
        """The row with other cells."""
        return Row(self.number, self.key, self.cells | cells, self.skip)


@dataclass
class RejectedFile:
    """Rejected rows by row number, in an order of their own, with the columns of the source."""

    columns: list[str]
    rows: list[Row] = field(default_factory=list)

    def row(self, number: int) -> Row:
        """The row with this number in the source."""
        return next(row for row in self.rows if row.number == number)

    def fix(self, number: int, **cells: Any) -> None:
        """Change cells of a row."""
        self.row(number).cells.update(cells)

    def save(self, path: Path, *, hidden_key: bool = True) -> str:
        """Write the workbook; returns its name."""
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        write_sheet(sheet, self.columns, self.rows, hidden_key=hidden_key)
        book.save(path)
        return path.name

    def save_csv(self, path: Path, separator: str = ",") -> str:
        """Write it as the CSV of the service; returns its name."""
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            lines = csv.writer(file, delimiter=separator, quoting=csv.QUOTE_ALL)
            lines.writerow(["row_number", "record_identifier", "errors", *self.columns, "row_key"])
            for row in self.rows:
                cells = [_csv_text(row.cells.get(column)) for column in self.columns]
                lines.writerow([row.number, "", "", *cells, row.key])
        return path.name


def write_sheet(sheet: Any, columns: Sequence[str], rows: Sequence[Row], *, hidden_key: bool = True) -> None:
    """Write rows to a sheet of openpyxl."""
    sheet.append([*OWN_BEFORE, *columns, *(OWN_AFTER if hidden_key else ())])
    for row in rows:
        cells = [row.cells.get(column) for column in columns]
        sheet.append([row.number, "", "", row.skip, *cells, *((row.key,) if hidden_key else ())])


def _csv_text(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return escape_formula(text)


async def rejected_file(database: Database, request_id: str = "parent") -> RejectedFile:
    """The rejected rows of a job as a file, not written yet."""
    columns = [name for (name,) in await fetch(database, COLUMNS, request_id)]
    rows = []
    for job_id, run, load, number, record in await fetch(database, REJECTED, request_id):
        key = str(RowKey(job_id, run, load, number, record_digest(record)))
        rows.append(Row(number, key, json.loads(record)))
    return RejectedFile(columns, rows)


MARKS = """
select e.row_number, e.corrected_by, e.dismissed_by from migration.migration_errors e
join migration.jobs j on e.job_id = j.id and e.load = j.load where j.request_id = $1 order by 1
"""


async def marks(database: Database, request_id: str = "parent") -> Mapping[int, Any]:
    """Row number → id of the job that corrected it, or who dismissed it, or None."""
    return {
        number: corrected_by if corrected_by is not None else dismissed_by
        for number, corrected_by, dismissed_by in await fetch(database, MARKS, request_id)
    }


CHILD_REJECTS = """
select e.shown_row_number, e.corrected_key, (select array_agg(code order by code) from
  jsonb_to_recordset(e.errors) as error(code text)) from migration.migration_errors e
join migration.jobs j on e.job_id = j.id and e.load = j.load where j.request_id = $1 order by e.row_number
"""


async def rejects(database: Database, request_id: str = "child") -> list[tuple[int | None, list[str]]]:
    """Original row number and error codes of the rows that a correction rejected."""
    return [(shown, codes) for shown, _, codes in await fetch(database, CHILD_REJECTS, request_id)]


async def urls(database: Database) -> list[str]:
    """The links in the target."""
    return [url for (url,) in await fetch(database, "select url from directory.chats order by url")]
