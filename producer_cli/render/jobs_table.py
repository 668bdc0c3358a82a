"""The latest status of many jobs: a table at a terminal, tab-separated fields for scripts."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from producer_cli.render.formatting import format_age, format_count, format_percent
from producer_cli.render.summary import STATUS_STYLES
from producer_cli.text import strip_control_chars
from schemas.status import Status, StatusEvent

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


def as_tsv(event: StatusEvent) -> str:
    """`TSV_FIELDS` separated by tabs; empty where the value is unknown."""
    values = event.model_dump(mode="json", include=set(TSV_FIELDS))
    return "\t".join(
        "" if values[name] is None else strip_control_chars(str(values[name])) for name in TSV_FIELDS
    )


def jobs_table(events: Iterable[StatusEvent], now: datetime, wide: bool) -> Table:
    """One line per job: the id is never shortened, because users copy it; the source is.

    Numeric columns are omitted unless `wide`; `migration status REQUEST_ID` shows them.
    """
    rows = [_cells(event, now) for event in events]
    columns = [
        (index, heading, justify)
        for index, (heading, justify) in enumerate(COLUMNS)
        if wide or heading not in NUMERIC_COLUMNS
    ]
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, heading, justify in columns:
        width = max(cell_len(row[index].plain) for row in rows)
        grid.add_column(heading, justify=justify, no_wrap=True, min_width=width)
    grid.add_column("source", overflow="ellipsis", no_wrap=True, ratio=1)
    for row in rows:
        grid.add_row(*(row[index] for index, _, _ in columns), row[-1])
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
    """The percentage of a running job, otherwise its processed rows."""
    percent = format_percent(event.rows_done, event.total)
    if event.status is Status.RUNNING and percent:
        return percent
    return format_count(event.processed) if event.processed else ""
