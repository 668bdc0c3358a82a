"""The rejected rows of a job: on the screen, as JSON lines, or into a CSV file."""

import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from rich.table import Table
from rich.text import Text

from producer_cli.errors import DISK_FULL_ERRNOS, InvalidInputError, OutputError
from producer_cli.http_client import ServiceClient
from producer_cli.render.base import is_interactive, make_console
from producer_cli.render.formatting import format_size, strip_control_chars

DEFAULT_LIMIT = 50
"""Rows shown at a terminal without --limit."""


def show(client: ServiceClient, request_id: str, limit: int | None, as_json: bool) -> None:
    """Print the rejected rows: a table at a terminal, else one row a line (JSON, or with tabs between)."""
    console = make_console(sys.stdout)
    if as_json or not is_interactive(console):
        for row in client.rejected_rows(request_id, limit or None):
            print(_json(row) if as_json else "\n".join(_tsv_lines(row)))
        return
    rows = list(client.rejected_rows(request_id, DEFAULT_LIMIT + 1 if limit is None else limit or None))
    shown = rows[:DEFAULT_LIMIT] if limit is None else rows
    console.print(rejected_rows_table(shown) if shown else "No row was rejected.")
    if len(rows) > len(shown):
        console.print(f"The first {DEFAULT_LIMIT}; all of them: --limit 0, or --csv FILE.", style="dim")


def rejected_rows_table(rows: Iterable[dict[str, Any]]) -> Table:
    """Row, identifier, and a line for each wrong field."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("row", "identifier", "field", "code", "message"):
        grid.add_column(heading, overflow="fold", justify="right" if heading == "row" else "left")
    for row in rows:
        for line in _table_rows(row):
            grid.add_row(*(Text(cell) for cell in line))
    return grid


def save_csv(client: ServiceClient, request_id: str, target: Path) -> str:
    """Write the CSV of the service to a file and say how large it is.

    The file appears when it is whole, readable by its owner alone: it holds personal data. `-` is
    standard output.
    """
    with client.rejected_csv(request_id) as pieces:
        if str(target) == "-":
            _copy(pieces, sys.stdout.buffer)
            return "Written to standard output."
        with _atomic_open(target) as file:
            octets = _copy(pieces, file)
    return f"Written to {strip_control_chars(str(target))}, {format_size(octets)}."


def _copy(chunks: Iterable[bytes], target: IO[bytes]) -> int:
    octets = sum(target.write(piece) for piece in chunks)
    target.flush()
    return octets


@contextmanager
def _atomic_open(target: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `target` once it is written; devices and pipes are written to."""
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                yield file
            return
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            try:
                yield file
                Path(file.name).replace(target)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        kind = OutputError if error.errno in DISK_FULL_ERRNOS else InvalidInputError
        raise kind(f"{strip_control_chars(str(target))} cannot be written: {error.strerror}.") from error


def _table_rows(row: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """One line for each invalid field; row number and identifier are in the first line only."""
    head = (_cell_text(row.get("row_number")), _cell_text(row.get("record_identifier")))
    for error in row.get("errors") or [{}]:
        yield (
            *head,
            _cell_text(error.get("field")),
            _cell_text(error.get("code")),
            _cell_text(error.get("message")),
        )
        head = ("", "")


def _tsv_lines(row: dict[str, Any]) -> Iterator[str]:
    """Like the table, but each line whole, as scripts want it."""
    head = (_cell_text(row.get("row_number")), _cell_text(row.get("record_identifier")))
    return ("\t".join((*head, *line[2:])) for line in _table_rows(row))


def _cell_text(value: object) -> str:
    return "" if value is None else strip_control_chars(str(value))


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)
