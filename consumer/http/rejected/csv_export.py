"""Rejected rows as CSV that spreadsheets open: UTF-8 with a mark at its head, and no cell is a formula.

Every cell is quoted: Excel of a Russian Windows splits at `;`, and what follows one would begin a cell.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Without it Excel takes Russian text for Windows-1252."""
FIXED_COLUMNS = ("row_number", "record_identifier", "errors")
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, "CSV injection")."""
PHONE_PATTERN = re.compile(r"\+?[0-9]{8,15}")
"""No formula: it is its own value, and people copy it from here."""


def header_line(columns: Sequence[str]) -> bytes:
    """The mark and the line of column names."""
    return (BOM + _to_csv([[*FIXED_COLUMNS, *map(escape_formula, columns)]])).encode()


def data_lines(lines: Iterable[str], columns: Sequence[str]) -> bytes:
    """One CSV line for each rejected row, given as JSON text."""
    return _to_csv(_row(json.loads(line), columns) for line in lines).encode()


def escape_formula(value: str) -> str:
    """A text that a spreadsheet shows and does not compute: an apostrophe goes before a formula."""
    if PHONE_PATTERN.fullmatch(value):
        return value
    return (
        f"'{value}"
        if value.startswith(FORMULA_PREFIXES) or value.lstrip().startswith(FORMULA_PREFIXES)
        else value
    )


def _row(rejected: dict[str, Any], columns: Sequence[str]) -> list[str]:
    record = rejected["record"]
    own = (rejected["row_number"], rejected["record_identifier"], _format_errors(rejected["errors"]))
    return [_cell(value) for value in (*own, *(record.get(column) for column in columns))]


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
