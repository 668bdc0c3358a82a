"""The live picture of a job at a terminal: a bar with the rows, and a line with all else."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from producer_cli.lines import rows, waiting
from producer_cli.summary import STYLES
from producer_cli.words import count, duration, percent
from schemas.status import MigrationStatus, Status

SEPARATOR = " · "


@dataclass(slots=True)
class Bar:
    """Renders the last event; between two events the clocks in it run on by `now` (monotonic seconds)."""

    now: Callable[[], float]
    event: MigrationStatus | None = None
    since: float = field(default=0.0)

    def show(self, event: MigrationStatus) -> None:
        """Take the next event."""
        self.event, self.since = event, self.now()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.event is None:
            yield Text("waiting for the first event …", style="dim")
            return
        yield bar(self.event, self.now(), options.max_width)
        yield Text(
            beside(self.event, self.now() - self.since), style="dim", overflow="ellipsis", no_wrap=True
        )


def bar(event: MigrationStatus, now: float, width: int) -> Table:
    """Status, bar, percents, rows; the bar pulses while the total is not known."""
    done = event.processed + event.failed
    figures = " ".join(filter(None, [percent(done, event.total), rows(event)])) if begun(event) else ""
    room = max(8, min(40, width - len(figures) - 12))
    grid = Table.grid(padding=(0, 1))
    grid.add_row(
        Text(f"{event.status:<9}", style=STYLES[event.status]),
        ProgressBar(
            total=event.total or None, completed=done, width=room, pulse=not event.total, animation_time=now
        ),
        Text(figures, no_wrap=True),
    )
    return grid


def begun(event: MigrationStatus) -> bool:
    """Whether there is anything to count."""
    return event.status is Status.RUNNING or event.processed + event.failed > 0


def beside(event: MigrationStatus, passed: float) -> str:
    """The second line, `passed` seconds after the event came: `failed 3 · 41,200 rows/s · 0:01 left · …`."""
    said = [f"failed {count(event.failed)}"] if begun(event) else []
    if event.status is Status.RUNNING:
        said += [f"{count(round(event.rows_per_second))} rows/s"] if event.rows_per_second else []
        said += [f"{duration(event.eta_seconds - passed)} left"] if event.eta_seconds is not None else []
    if event.started_at:
        said.append(f"{duration((event.occurred_at - event.started_at).total_seconds() + passed)} elapsed")
    return " " * 10 + SEPARATOR.join(said + waiting(event))
