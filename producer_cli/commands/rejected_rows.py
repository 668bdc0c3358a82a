"""`migration errors`: print the rejected rows of a job, or save them as a CSV file or a workbook."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import typer

from producer_cli.commands import output_file
from producer_cli.http_client import ServiceClient
from producer_cli.language import resolve_language
from producer_cli.render.base import is_interactive, make_console
from producer_cli.render.download import DownloadCallback, download_progress, ignore_progress
from producer_cli.render.rejected_rows_table import (
    rejected_row_as_json,
    rejected_row_as_tsv,
    rejected_rows_table,
)

DEFAULT_LIMIT = 50
"""Rows shown at a terminal without --limit."""


def show_or_save(
    client: ServiceClient, job: str | int, csv: Path | None, limit: int | None, as_json: bool
) -> None:
    """Print the rejected rows of a job, given its request id or number, or write them to `csv`."""
    request_id = _resolve(client, job)
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
        console.print(f"The first {DEFAULT_LIMIT}; all of them: --limit 0, or --xlsx FILE.", style="dim")


def save_csv(client: ServiceClient, request_id: str, target: Path) -> str:
    """Write the rejected rows as CSV to a file, as `output_file.save` does; returns its message."""
    with client.rejected_csv(request_id) as chunks:
        return output_file.save(chunks, target)


def save_workbook(client: ServiceClient, job: str | int, target: Path, lang: str | None) -> None:
    """Write the rejected rows of a job to a workbook, and show the progress of it."""
    language = resolve_language(lang, os.environ)
    request_id = _resolve(client, job)
    with download_progress(make_console(sys.stderr), "The service writes the workbook") as report:
        message = save_xlsx(client, request_id, language, target, report)
    typer.echo(message, err=True)


def save_xlsx(
    client: ServiceClient,
    request_id: str,
    language: str,
    target: Path,
    report: DownloadCallback = ignore_progress,
) -> str:
    """Write the rejected rows as a workbook to a file, as `output_file.save` does; returns its message."""
    with client.rejected_xlsx(request_id, language) as (chunks, size_bytes):
        return output_file.save(_reported(chunks, size_bytes, report), target)


def _reported(chunks: Iterable[bytes], size_bytes: int, report: DownloadCallback) -> Iterator[bytes]:
    received = 0
    for chunk in chunks:
        received += len(chunk)
        report(received, size_bytes)
        yield chunk


def _resolve(client: ServiceClient, job: str | int) -> str:
    return client.request_id_of_job(job) if isinstance(job, int) else client.verify_request_id(job)
