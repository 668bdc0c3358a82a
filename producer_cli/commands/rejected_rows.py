"""`migration errors`: print the rejected rows of a job, or save them as a CSV file."""

import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import typer

from producer_cli.errors import DISK_FULL_ERRNOS, InvalidInputError, OutputError
from producer_cli.http_client import ServiceClient
from producer_cli.render.base import is_interactive, make_console
from producer_cli.render.formatting import format_size
from producer_cli.render.rejected_rows_table import (
    rejected_row_as_json,
    rejected_row_as_tsv,
    rejected_rows_table,
)
from producer_cli.text import strip_control_chars

DEFAULT_LIMIT = 50
"""Rows shown at a terminal without --limit."""


def show_or_save(
    client: ServiceClient, job: str | int, csv: Path | None, limit: int | None, as_json: bool
) -> None:
    """Print the rejected rows of a job, given its request id or number, or write them to `csv`."""
    request_id = client.request_id_of_job(job) if isinstance(job, int) else client.verify_request_id(job)
    if csv is None:
        show(client, request_id, limit, as_json)
    else:
        typer.echo(save_csv(client, request_id, csv), err=True)


def show(client: ServiceClient, request_id: str, limit: int | None, as_json: bool) -> None:
    """Print the rejected rows: a table at a terminal, otherwise JSON or tab-separated lines."""
    console = make_console(sys.stdout)
    if as_json or not is_interactive(console):
        for row in client.rejected_rows(request_id, limit or None):
            print(rejected_row_as_json(row) if as_json else rejected_row_as_tsv(row))
        return
    rows = list(client.rejected_rows(request_id, DEFAULT_LIMIT + 1 if limit is None else limit or None))
    shown = rows[:DEFAULT_LIMIT] if limit is None else rows
    console.print(rejected_rows_table(shown) if shown else "No row was rejected.")
    if len(rows) > len(shown):
        console.print(f"The first {DEFAULT_LIMIT}; all of them: --limit 0, or --csv FILE.", style="dim")


def save_csv(client: ServiceClient, request_id: str, target: Path) -> str:
    """Write the rejected rows as CSV and return a message with the size of the file.

    The file appears only when it is complete. Only its owner can read it, because it holds personal data.
    `-` is standard output.
    """
    with client.rejected_csv(request_id) as chunks:
        if str(target) == "-":
            _copy(chunks, sys.stdout.buffer)
            return "Written to standard output."
        with _atomic_open(target) as file:
            size_bytes = _copy(chunks, file)
    return f"Written to {strip_control_chars(str(target))}, {format_size(size_bytes)}."


def _copy(chunks: Iterable[bytes], target: IO[bytes]) -> int:
    """Copy the chunks and return the number of bytes."""
    size_bytes = sum(target.write(chunk) for chunk in chunks)
    target.flush()
    return size_bytes


@contextmanager
def _atomic_open(target: Path) -> Iterator[IO[bytes]]:
    """Open a file that replaces `target` when it is complete; a device or pipe is written directly."""
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
        error_type = OutputError if error.errno in DISK_FULL_ERRNOS else InvalidInputError
        raise error_type(
            f"{strip_control_chars(str(target))} cannot be written: {error.strerror}."
        ) from error
