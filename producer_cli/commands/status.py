"""`migration status`: what the status topic holds at this moment, of all jobs or of one."""

import sys
from collections.abc import Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Literal

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from messaging.connection import KafkaConnection
from producer_cli.errors import ExitCode, InvalidInputError
from producer_cli.events import ReceivedEvent
from producer_cli.kafka.event_stream import latest_of_one
from producer_cli.kafka.latest_events import last_published, latest_of_all
from producer_cli.render.base import is_interactive, make_console
from producer_cli.render.formatting import format_age, format_count, format_percent, strip_control_chars
from producer_cli.render.summary import STATUS_STYLES, details, headline, hints, summary_table
from schemas.status import Status, StatusEvent

DEFAULT_LIMIT = 50
"""Jobs shown where not all are asked for."""
TSV_FIELDS = (
    "request_id",
    "status",
    "processed",
    "total",
    "failed",
    "source_type",
    "source_identifier",
    "occurred_at",
)
"""The fields of a line where a script reads them."""

COLUMNS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("request", "left"),
    ("status", "left"),
    ("rows", "right"),
    ("failed", "right"),
    ("ago", "right"),
)
NUMERIC_COLUMNS = {"rows", "failed"}
WIDE_TERMINAL_COLUMNS = 100
"""Minimum terminal width at which the numeric columns are shown."""


async def status_of_all(connection: KafkaConnection, as_json: bool) -> ExitCode:
    """Print the latest status of every job as it is found, one a line; those published last come first."""
    async with aclosing(latest_of_all(connection)) as pieces:
        async for found in pieces:
            for sighting in found:
                print(sighting.json_line if as_json else as_tsv(sighting.event))
    return ExitCode.OK


async def status_of_recent(connection: KafkaConnection, as_json: bool) -> ExitCode:
    """Show the jobs last published, newest first; a note on standard error says that there are more."""
    found, has_more = await last_published(connection, DEFAULT_LIMIT)
    show_all(found, as_json)
    if has_more:
        print(
            f"The {DEFAULT_LIMIT} jobs whose status was published last; all of them: --all.", file=sys.stderr
        )
    return ExitCode.OK


async def status_of_one(connection: KafkaConnection, request_id: str, as_json: bool) -> ExitCode:
    """Show the latest status of a job; raises InvalidInputError for an unknown one."""
    sighting = await latest_of_one(connection, request_id)
    if sighting is None:
        raise InvalidInputError(
            f"Nothing is known of request {strip_control_chars(request_id)}: the id is wrong, "
            "its last status event is older than 30 days, or no consumer has received it yet."
        )
    show_one(sighting, as_json)
    return ExitCode.OK


def show_one(received: ReceivedEvent, as_json: bool) -> None:
    """The event, or all that is in it as a table."""
    console = make_console(sys.stdout)
    if as_json:
        print(received.json_line)
        return
    console.print(headline(received.event), soft_wrap=True)
    console.print(summary_table(details(received.event)))
    for hint in hints(received.event):
        console.print(hint, style="dim", soft_wrap=True)


def show_all(received_events: Iterable[ReceivedEvent], as_json: bool) -> None:
    """A table at a terminal; else one job a line, as JSON or with tabs between."""
    console = make_console(sys.stdout)
    if as_json or not is_interactive(console):
        for sighting in received_events:
            print(sighting.json_line if as_json else as_tsv(sighting.event))
        return
    events = [sighting.event for sighting in received_events]
    console.print(
        jobs_table(events, datetime.now(UTC), console.width >= WIDE_TERMINAL_COLUMNS)
        if events
        else "No job yet."
    )


def as_tsv(event: StatusEvent) -> str:
    """The fields of TABS with tabs between them; empty where not known."""
    values = event.model_dump(mode="json", include=set(TSV_FIELDS))
    return "\t".join(
        "" if values[name] is None else strip_control_chars(str(values[name])) for name in TSV_FIELDS
    )


def jobs_table(events: Iterable[StatusEvent], now: datetime, wide: bool) -> Table:
    """One line per job: the id is never shortened, because users copy it; the source is.

    Numeric columns are omitted unless `wide`; `migration status REQUEST_ID` shows them.
    """
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    cells = [_cells(event, now) for event in events]
    for position, (heading, justify) in enumerate(COLUMNS):
        width = max(cell_len(row[position].plain) for row in cells)
        if wide or heading not in NUMERIC_COLUMNS:
            grid.add_column(heading, justify=justify, no_wrap=True, min_width=width)
    grid.add_column("source", overflow="ellipsis", no_wrap=True, ratio=1)
    for row in cells:
        kept = [
            cell
            for cell, (heading, _) in zip(row, COLUMNS, strict=False)
            if wide or heading not in NUMERIC_COLUMNS
        ]
        grid.add_row(*kept, row[-1])
    return grid


def _cells(event: StatusEvent, now: datetime) -> tuple[Text, ...]:
    """The cells of `COLUMNS`, then the source."""
    return (
        Text(strip_control_chars(event.request_id)),
        Text(event.status.value, style=STATUS_STYLES[event.status]),
        Text(_progress(event)),
        Text(format_count(event.failed) if event.failed else ""),
        Text(format_age(now - event.occurred_at)),
        Text(strip_control_chars(event.source_identifier or "")),
    )


def _progress(event: StatusEvent) -> str:
    """Percents while it runs, else the rows."""
    part = format_percent(event.processed + event.failed, event.total)
    if event.status is Status.RUNNING and part:
        return part
    return format_count(event.processed) if event.processed else ""
