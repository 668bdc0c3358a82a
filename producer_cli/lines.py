"""One event in one line of plain text."""

from producer_cli.words import count, duration, percent, plain
from schemas.status import MigrationStatus, Status


def line(event: MigrationStatus) -> str:
    """`12:00:01 running 62 % 96,000 / 155,000 rows, failed 3, 41,200 rows/s, 0:01 left`."""
    clock = event.occurred_at.astimezone().strftime("%H:%M:%S")
    words = [progress(event), *facts(event), *ending(event)]
    return f"{clock} {event.status} {', '.join(word for word in words if word)}".rstrip()


def progress(event: MigrationStatus) -> str:
    """`62 % 96,000 / 155,000 rows`; without a total the rows alone; nothing before there is anything."""
    done = event.processed + event.failed
    if event.total is None:
        return f"{count(done)} rows" if done else ""
    part = percent(done, event.total)
    return " ".join(filter(None, [part, rows(event)]))


def rows(event: MigrationStatus) -> str:
    """`96,000 / 155,000 rows`: those that were good, of all."""
    of = f" / {count(event.total)}" if event.total is not None else ""
    return f"{count(event.processed)}{of} rows"


def facts(event: MigrationStatus) -> list[str]:
    """What is worth saying beside the number of rows, while a job is under way."""
    said = [f"failed {count(event.failed)}"] if event.failed else []
    if event.status is Status.RUNNING:
        said += [f"{count(round(event.rows_per_second))} rows/s"] if event.rows_per_second else []
        said += [f"{duration(event.eta_seconds)} left"] if event.eta_seconds is not None else []
    return said + waiting(event)


def waiting(event: MigrationStatus) -> list[str]:
    """Which attempt this is, what it follows on, and what it waits for."""
    said = []
    if event.attempt > 1 and not event.status.terminal:
        said.append(f"attempt {event.attempt}" + (f" after {plain(event.error.code)}" if event.error else ""))
    if event.detail:
        said.append(plain(event.detail))
    return said


def ending(event: MigrationStatus) -> list[str]:
    """Why it ended badly, and how long it took."""
    if not event.status.terminal:
        return []
    said = [f"{plain(event.error.code)}: {plain(event.error.message)}"] if event.error else []
    seconds = taken(event)
    return said if seconds is None else [*said, f"took {duration(seconds)}"]


def taken(event: MigrationStatus) -> float | None:
    """Seconds from the first claim of the run to its end, or to this event."""
    if event.started_at is None:
        return None
    return ((event.completed_at or event.occurred_at) - event.started_at).total_seconds()
