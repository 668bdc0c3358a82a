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

from producer_cli.exits import FULL, OutputLost, WrongInput
from producer_cli.screens import at_terminal, console_of
from producer_cli.service import Service
from producer_cli.words import plain, size

SHOWN = 50
"""Rows shown at a terminal where nobody asked for more."""


def show(service: Service, request_id: str, limit: int | None, as_json: bool) -> None:
    """Print the rejected rows: a table at a terminal, else one row a line (JSON, or with tabs between)."""
    console = console_of(sys.stdout)
    if as_json or not at_terminal(console):
        for row in service.rejected_rows(request_id, limit or None):
            print(_json(row) if as_json else "\n".join(_tabbed(row)))
        return
    rows = list(service.rejected_rows(request_id, SHOWN + 1 if limit is None else limit or None))
    shown = rows[:SHOWN] if limit is None else rows
    console.print(table(shown) if shown else "No row was rejected.")
    if len(rows) > len(shown):
        console.print(f"The first {SHOWN}; all of them: --limit 0, or --csv FILE.", style="dim")


def table(rows: Iterable[dict[str, Any]]) -> Table:
    """Row, identifier, and a line for each wrong field."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("row", "identifier", "field", "code", "message"):
        grid.add_column(heading, overflow="fold", justify="right" if heading == "row" else "left")
    for row in rows:
        for line in _lines(row):
            grid.add_row(*(Text(cell) for cell in line))
    return grid


def save(service: Service, request_id: str, target: Path) -> str:
    """Write the CSV of the service to a file and say how large it is.

    The file appears when it is whole, readable by its owner alone: it holds personal data. `-` is
    standard output.
    """
    with service.rejected_csv(request_id) as pieces:
        if str(target) == "-":
            _pour(pieces, sys.stdout.buffer)
            return "Written to standard output."
        with _whole(target) as file:
            octets = _pour(pieces, file)
    return f"Written to {plain(str(target))}, {size(octets)}."


def _pour(pieces: Iterable[bytes], into: IO[bytes]) -> int:
    octets = sum(into.write(piece) for piece in pieces)
    into.flush()
    return octets


@contextmanager
def _whole(target: Path) -> Iterator[IO[bytes]]:
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
        kind = OutputLost if error.errno in FULL else WrongInput
        raise kind(f"{plain(str(target))} cannot be written: {error.strerror}.") from error


def _lines(row: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """One line for each wrong field; row and identifier stand in the first."""
    head = (_text(row.get("row_number")), _text(row.get("record_identifier")))
    for error in row.get("errors") or [{}]:
        yield (*head, _text(error.get("field")), _text(error.get("code")), _text(error.get("message")))
        head = ("", "")


def _tabbed(row: dict[str, Any]) -> Iterator[str]:
    """Like the table, but each line whole, as scripts want it."""
    head = (_text(row.get("row_number")), _text(row.get("record_identifier")))
    return ("\t".join((*head, *line[2:])) for line in _lines(row))


def _text(value: object) -> str:
    return "" if value is None else plain(str(value))


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)
