"""One event in one line of plain text."""

from producer_cli.render.formatting import format_count, format_duration, format_percent
from producer_cli.text import strip_control_chars
from schemas.status import Phase, Status, StatusEvent


def event_line(event: StatusEvent) -> str:
    """`12:00:01 running 62 % 96,000 / 155,000 rows, failed 3, 41,200 rows/s, 0:01 left`."""
    clock = event.occurred_at.astimezone().strftime("%H:%M:%S")
    words = [progress_text(event), *running_details(event), *outcome(event)]
    return f"{clock} {event.status} {', '.join(word for word in words if word)}".rstrip()


def progress_text(event: StatusEvent) -> str:
    """`62 % 96,000 / 155,000 rows`; without a total the rows alone; nothing before there is anything."""
    done = event.rows_done
    if event.total is None:
        return f"{format_count(done)} rows" if done else ""
    part = format_percent(done, event.total)
    return " ".join(filter(None, [part, row_counts(event)]))


def row_counts(event: StatusEvent) -> str:
    """`96,000 / 155,000 rows`: those that were good, of all."""
    of = f" / {format_count(event.total)}" if event.total is not None else ""
    return f"{format_count(event.processed)}{of} rows"


def running_details(event: StatusEvent) -> list[str]:
    """What is worth saying beside the number of rows, while a job is under way."""
    said = [f"failed {format_count(event.failed)}"] if event.failed else []
    said += phase_words(event)
    if event.status is Status.RUNNING:
        said += [f"{format_count(round(event.rows_per_second))} rows/s"] if event.rows_per_second else []
        said += [f"{format_duration(event.eta_seconds)} left"] if event.eta_seconds is not None else []
    return said + attempt_details(event)


def phase_words(event: StatusEvent) -> list[str]:
    """What is done with the rows that are counted, unless they are stored."""
    if event.dry_run:
        return ["dry run"]
    return ["check before the load"] if event.phase is Phase.CHECK else []


def attempt_details(event: StatusEvent) -> list[str]:
    """Which attempt this is, what it follows on, and what it waits for."""
    said = []
    if event.attempt > 1 and not event.status.terminal:
        said.append(
            f"attempt {event.attempt}"
            + (f" after {strip_control_chars(event.error.code)}" if event.error else "")
        )
    if event.detail:
        said.append(strip_control_chars(event.detail))
    return said


def outcome(event: StatusEvent) -> list[str]:
    """Why it ended badly, and how long it took."""
    if not event.status.terminal:
        return []
    said = (
        [f"{strip_control_chars(event.error.code)}: {strip_control_chars(event.error.message)}"]
        if event.error
        else []
    )
    seconds = elapsed_seconds(event)
    return said if seconds is None else [*said, f"took {format_duration(seconds)}"]


def elapsed_seconds(event: StatusEvent) -> float | None:
    """Seconds from the first claim of the run to its end, or to this event."""
    if event.started_at is None:
        return None
    return ((event.completed_at or event.occurred_at) - event.started_at).total_seconds()
