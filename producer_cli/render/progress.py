"""The live picture of a job at a terminal: a bar with the rows, and a line with all else."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from producer_cli.render.event_line import attempt_details, phase_words, row_counts
from producer_cli.render.formatting import format_count, format_duration, format_percent
from producer_cli.render.summary import STATUS_STYLES
from schemas.status import Status, StatusEvent

SEPARATOR = " · "


@dataclass(slots=True)
class JobProgress:
    """Renders the last event; between two events the clocks in it run on by `now` (monotonic seconds)."""

    clock: Callable[[], float]
    event: StatusEvent | None = None
    received_at: float = field(default=0.0)

    def update(self, event: StatusEvent) -> None:
        """Take the next event."""
        self.event, self.received_at = event, self.clock()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.event is None:
            yield Text("waiting for the first event …", style="dim")
            return
        yield progress_bar(self.event, self.clock(), options.max_width)
        yield Text(
            status_line(self.event, self.clock() - self.received_at),
            style="dim",
            overflow="ellipsis",
            no_wrap=True,
        )


def progress_bar(event: StatusEvent, now: float, width: int) -> Table:
    """Status, bar, percents, rows; the bar pulses while the total is not known."""
    done = event.rows_done
    figures = (
        " ".join(filter(None, [format_percent(done, event.total), row_counts(event)]))
        if has_counts(event)
        else ""
    )
    room = max(8, min(40, width - len(figures) - 12))
    grid = Table.grid(padding=(0, 1))
    grid.add_row(
        Text(f"{event.status:<9}", style=STATUS_STYLES[event.status]),
        ProgressBar(
            total=event.total or None, completed=done, width=room, pulse=not event.total, animation_time=now
        ),
        Text(figures, no_wrap=True),
    )
    return grid


def has_counts(event: StatusEvent) -> bool:
    """Whether there is anything to count."""
    return event.status is Status.RUNNING or event.rows_done > 0


def status_line(event: StatusEvent, seconds_since: float) -> str:
    """The second line, `seconds_since` the event: `failed 3 · 41,200 rows/s · 0:01 left · …`."""
    parts = [f"failed {format_count(event.failed)}"] if has_counts(event) else []
    parts += phase_words(event)
    if event.status is Status.RUNNING:
        parts += [f"{format_count(round(event.rows_per_second))} rows/s"] if event.rows_per_second else []
        if event.eta_seconds is not None:
            parts.append(f"{format_duration(event.eta_seconds - seconds_since)} left")
    if event.started_at:
        elapsed = (event.occurred_at - event.started_at).total_seconds() + seconds_since
        parts.append(f"{format_duration(elapsed)} elapsed")
    return " " * 10 + SEPARATOR.join(parts + attempt_details(event))
