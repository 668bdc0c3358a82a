"""`migration errors`: print the rejected rows of a job, or save them as a CSV file."""

import sys
from pathlib import Path

import typer

from producer_cli.commands.output_file import copy_chunks, open_when_complete
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
            copy_chunks(chunks, sys.stdout.buffer)
            return "Written to standard output."
        with open_when_complete(target, private=True) as file:
            size_bytes = copy_chunks(chunks, file)
    return f"Written to {strip_control_chars(str(target))}, {format_size(size_bytes)}."
