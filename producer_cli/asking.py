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
from producer_cli.events import Sighting
from producer_cli.exits import Exit, WrongInput
from producer_cli.latest import last_published, latest_of_all
from producer_cli.listening import latest_of_one
from producer_cli.screens import at_terminal, console_of
from producer_cli.summary import STYLES, details, headline, hints, table
from producer_cli.words import age, count, percent, plain
from schemas.status import MigrationStatus, Status

SHOWN = 50
"""Jobs shown where not all are asked for."""
TABS = (
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
NUMBERS = {"rows", "failed"}
WIDE = 100
"""Columns of a terminal from which on the numbers have room."""


async def status_of_all(connection: KafkaConnection, as_json: bool) -> Exit:
    """Print the latest status of every job as it is found, one a line; those published last come first."""
    async with aclosing(latest_of_all(connection)) as pieces:
        async for found in pieces:
            for sighting in found:
                print(sighting.text if as_json else tabbed(sighting.event))
    return Exit.OK


async def status_of_last(connection: KafkaConnection, as_json: bool) -> Exit:
    """Show the jobs last published, newest first; a note on standard error says that there are more."""
    found, has_more = await last_published(connection, SHOWN)
    show_all(found, as_json)
    if has_more:
        print(f"The {SHOWN} jobs whose status was published last; all of them: --all.", file=sys.stderr)
    return Exit.OK


async def status_of_one(connection: KafkaConnection, request_id: str, as_json: bool) -> Exit:
    """Show the latest status of a job; raises WrongInput for an unknown one."""
    sighting = await latest_of_one(connection, request_id)
    if sighting is None:
        raise WrongInput(
            f"Nothing is known of request {plain(request_id)}: the id is wrong, its last news is older than "
            "30 days, or no consumer has taken it up yet."
        )
    show_one(sighting, as_json)
    return Exit.OK


def show_one(sighting: Sighting, as_json: bool) -> None:
    """The event, or all that is in it as a table."""
    console = console_of(sys.stdout)
    if as_json:
        print(sighting.text)
        return
    console.print(headline(sighting.event), soft_wrap=True)
    console.print(table(details(sighting.event)))
    for hint in hints(sighting.event):
        console.print(hint, style="dim", soft_wrap=True)


def show_all(found: Iterable[Sighting], as_json: bool) -> None:
    """A table at a terminal; else one job a line, as JSON or with tabs between."""
    console = console_of(sys.stdout)
    if as_json or not at_terminal(console):
        for sighting in found:
            print(sighting.text if as_json else tabbed(sighting.event))
        return
    events = [sighting.event for sighting in found]
    console.print(overview(events, datetime.now(UTC), console.width >= WIDE) if events else "No job yet.")


def tabbed(event: MigrationStatus) -> str:
    """The fields of TABS with tabs between them; empty where not known."""
    values = event.model_dump(mode="json", include=set(TABS))
    return "\t".join("" if values[name] is None else plain(str(values[name])) for name in TABS)


def overview(events: Iterable[MigrationStatus], now: datetime, wide: bool) -> Table:
    """One line a job. The id stays whole, since it is there to be copied; the source gives way.

    Where there is no room for them the numbers are left out; they are in the status of one job.
    """
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    cells = [_cells(event, now) for event in events]
    for position, (heading, justify) in enumerate(COLUMNS):
        width = max(cell_len(row[position].plain) for row in cells)
        if wide or heading not in NUMBERS:
            grid.add_column(heading, justify=justify, no_wrap=True, min_width=width)
    grid.add_column("source", overflow="ellipsis", no_wrap=True, ratio=1)
    for row in cells:
        kept = [
            cell for cell, (heading, _) in zip(row, COLUMNS, strict=False) if wide or heading not in NUMBERS
        ]
        grid.add_row(*kept, row[-1])
    return grid


def _cells(event: MigrationStatus, now: datetime) -> tuple[Text, ...]:
    """What stands in the columns, the source last."""
    return (
        Text(plain(event.request_id)),
        Text(event.status.value, style=STYLES[event.status]),
        Text(_far(event)),
        Text(count(event.failed) if event.failed else ""),
        Text(age(now - event.occurred_at)),
        Text(plain(event.source_identifier or "")),
    )


def _far(event: MigrationStatus) -> str:
    """Percents while it runs, else the rows."""
    part = percent(event.processed + event.failed, event.total)
    if event.status is Status.RUNNING and part:
        return part
    return count(event.processed) if event.processed else ""
