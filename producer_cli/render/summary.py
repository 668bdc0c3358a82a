"""Summary of a job at its end, and its details for `migration status REQUEST_ID`, as a table."""

import shlex
from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from producer_cli.render.event_line import attempt_details, elapsed_seconds, phase_words
from producer_cli.render.formatting import format_count, format_duration, warning_text
from producer_cli.text import strip_control_chars
from schemas.codes import ErrorCode
from schemas.status import Phase, Status, StatusEvent

STATUS_STYLES = {
    Status.PENDING: "yellow",
    Status.RUNNING: "cyan",
    Status.COMPLETED: "green",
    Status.FAILED: "red",
    Status.CANCELLED: "magenta",
}

SummaryRow = tuple[str, str, str]
"""Label, number, words."""


def summary(event: StatusEvent) -> Iterator[SummaryRow]:
    """The counters of a job at its end, its warnings by code, the time it took."""
    yield "total", "unknown" if event.total is None else format_count(event.total), ""
    is_check = event.phase is Phase.CHECK
    yield (
        "processed",
        format_count(event.processed),
        "rows passed the check, none is stored" if is_check else "",
    )
    for kind in _kinds(event):
        yield f"  {kind}", format_count(getattr(event, kind)), ""
    yield "failed", format_count(event.failed), "rows rejected" if event.failed else ""
    yield from _corrections(event)
    yield from _warnings(event)
    seconds = elapsed_seconds(event)
    if seconds is not None:
        yield "time", format_duration(seconds), _rate(event, seconds)


def _kinds(event: StatusEvent) -> tuple[str, ...]:
    """The counters that are part of `processed`; of rows that were only checked the duplicates alone."""
    if not event.processed:
        return ()
    stored = () if event.phase is Phase.CHECK else ("inserted", "updated", "unchanged")
    return (*stored, "duplicates")


def details(event: StatusEvent) -> Iterator[SummaryRow]:
    """All that is known of a job, for somebody who asks."""
    yield (
        "source",
        "",
        f"{strip_control_chars(event.source_identifier or '?')} ({event.source_type or 'unknown'})",
    )
    yield "dataset", "", strip_control_chars(event.dataset or "?")
    yield "job", "", str(event.job_id) if event.job_id is not None else "none was made"
    yield "run", "", f"{event.run}, attempt {event.attempt}"
    moments = {"started": event.started_at, "ended": event.completed_at, "last news": event.occurred_at}
    for label, moment in moments.items():
        if moment:
            yield label, "", moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if said := attempt_details(event):
        yield "now", "", ", ".join(said)
    yield from summary(event)


def headline(event: StatusEvent) -> Text:
    """`completed chats.xlsx`, with the error in a line of its own where there is one."""
    text = Text(event.status.value, style=f"bold {STATUS_STYLES[event.status]}")
    text.append("".join(f" ({words})" for words in phase_words(event)), style="not bold")
    if event.source_identifier:
        text.append(f" {strip_control_chars(event.source_identifier)}", style="default not bold")
    if event.error:
        text.append(
            f"\n{strip_control_chars(event.error.code)}: {strip_control_chars(event.error.message)}",
            style="not bold",
        )
    return text


def summary_table(rows: Iterator[SummaryRow]) -> Table:
    """The rows as rich prints them."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, number, words in rows:
        grid.add_row(Text(f"  {label}"), Text(number), Text(words))
    return grid


def hints(event: StatusEvent) -> Iterator[str]:
    """The commands a person will want next."""
    name = shlex.quote(event.request_id)
    if event.error and event.error.columns:
        options = " ".join(f"--column {_column_option(*pair)}" for pair in event.error.columns.items())
        yield f"To read the nearest columns instead, add to a new `migration start`:\n  {options}"
    if event.failed:
        yield f"To see the rejected rows:\n  migration errors {name} --csv rejected.csv"
    if event.dry_run and event.status is Status.COMPLETED:
        yield f"To import the rows:\n  migration import {name} --watch"
    if event.error and event.error.code == ErrorCode.TOO_MANY_REJECTS:
        yield f"To run it again with another limit:\n  migration retry {name} --max-rejected N --watch"
    elif event.status in {Status.FAILED, Status.CANCELLED} and event.job_id is not None:
        yield f"To run it again:\n  migration retry {name} --watch"


def _column_option(header: str, field: str) -> str:
    return shlex.quote(strip_control_chars(f"{header}={field}"))


def _corrections(event: StatusEvent) -> Iterator[SummaryRow]:
    """The other rows of a correction, and what is left to correct."""
    if event.corrects is None:
        return
    yield "untouched", format_count(event.untouched), "rows as they were rejected"
    yield "dismissed", format_count(event.dismissed), "rows to be skipped"
    yield "corrected before", format_count(event.already_corrected), "rows of another file"
    yield "open", format_count(event.corrects.open), f"of {strip_control_chars(event.corrects.request_id)}"


def _warnings(event: StatusEvent) -> Iterator[SummaryRow]:
    width = max(map(len, event.warnings), default=0)
    for position, (code, number) in enumerate(sorted(event.warnings.items())):
        words = f"{strip_control_chars(code):<{width}}  {warning_text(code)}".rstrip()
        yield "" if position else "warnings", format_count(number), words


def _rate(event: StatusEvent, seconds: float) -> str:
    done = event.rows_done
    return f"{format_count(round(done / seconds))} rows/s" if done and seconds > 0 else ""
