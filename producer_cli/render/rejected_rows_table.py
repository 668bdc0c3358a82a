"""Rejected rows: a table at a terminal, tab-separated or JSON lines for scripts."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

from producer_cli.text import strip_control_chars


def rejected_rows_table(rows: Iterable[dict[str, Any]]) -> Table:
    """Row number, identifier, and one line for each invalid field.

    If corrections have stored or dismissed some of the rows, a last column says so.
    """
    rows = list(rows)
    corrections = [_correction(row) for row in rows]
    has_corrections = any(corrections)
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("row", "identifier", "field", "code", "message"):
        grid.add_column(heading, overflow="fold", justify="right" if heading == "row" else "left")
    if has_corrections:
        grid.add_column("correction", overflow="fold")
    for row, correction in zip(rows, corrections, strict=True):
        for number, line in enumerate(_table_rows(row)):
            cells = (*line, correction if number == 0 else "") if has_corrections else line
            grid.add_row(*(Text(cell) for cell in cells))
    return grid


def rejected_row_as_tsv(row: dict[str, Any]) -> str:
    """One line for each invalid field, with row number and identifier in every line."""
    head = _row_head(row)
    return "\n".join("\t".join((*head, *line[2:])) for line in _table_rows(row))


def rejected_row_as_json(row: dict[str, Any]) -> str:
    """The row as the service sent it, on one line."""
    return json.dumps(row, ensure_ascii=False)


def _table_rows(row: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """One line for each invalid field; row number and identifier are in the first line only."""
    head = _row_head(row)
    for error in row.get("errors") or [{}]:
        yield (*head, *(_cell_text(error.get(name)) for name in ("field", "code", "message")))
        head = ("", "")


def _row_head(row: dict[str, Any]) -> tuple[str, str]:
    return _cell_text(row.get("row_number")), _cell_text(row.get("record_identifier"))


def _correction(row: dict[str, Any]) -> str:
    """What corrections have done with the row; empty if nothing, or if the service is too old to know."""
    if (job := row.get("corrected_by")) is not None:
        return f"corrected by job {job}"
    return "" if row.get("state") in (None, "open") else _cell_text(row["state"])


def _cell_text(value: object) -> str:
    return "" if value is None else strip_control_chars(str(value))
