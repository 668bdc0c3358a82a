"""Rejected rows as CSV for spreadsheets: UTF-8 with a byte order mark, and no cell is a formula.

Every cell is quoted: Excel on a Russian Windows splits at `;`, so an unquoted `;` would start a new cell.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from consumer.rejected_file.formula_escape import escape_formula
from consumer.rejected_file.layout import KEY_COLUMN
from consumer.rejected_file.row_key import RowKey

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Without it Excel reads Russian text as Windows-1252."""
FIXED_COLUMNS = ("row_number", "record_identifier", "errors")


def header_line(columns: Sequence[str]) -> bytes:
    """The byte order mark and the line of column names."""
    return (BOM + _to_csv([[*FIXED_COLUMNS, *map(escape_formula, columns), KEY_COLUMN]])).encode()


def data_lines(lines: Iterable[tuple[str, RowKey]], columns: Sequence[str]) -> bytes:
    """One CSV line for each rejected row, given as JSON text and key."""
    return _to_csv([*_row(json.loads(line), columns), str(key)] for line, key in lines).encode()


def _row(rejected: dict[str, Any], columns: Sequence[str]) -> list[str]:
    record = rejected["record"]
    fixed = (rejected["row_number"], rejected["record_identifier"], _format_errors(rejected["errors"]))
    return [_cell(value) for value in (*fixed, *(record.get(column) for column in columns))]


def _format_errors(errors: Iterable[dict[str, str | None]]) -> str:
    return "; ".join(
        f"{error['field']}: {error['message']}" if error.get("field") else str(error["message"])
        for error in errors
    )


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return escape_formula(value)
        case _:
            return escape_formula(json.dumps(value, ensure_ascii=False))


def _to_csv(lines: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(lines)
    return out.getvalue()
