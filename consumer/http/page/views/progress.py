"""How far a job is, and what became of its rows."""

from collections.abc import Iterator
from dataclasses import dataclass

from consumer.store.jobs import Job
from schemas.status import Phase, Status

LOAD_OUTCOMES = ("inserted", "updated", "unchanged", "duplicates", "failed")
CORRECTION_OUTCOMES = (*LOAD_OUTCOMES, "untouched", "dismissed", "already_corrected")
CHECK_OUTCOMES = ("passed", "duplicates", "failed")
"""Outcomes of rows that add up to those that are done, in the order of the bar."""
BAR_WIDTH = 100.0
"""Width of the bar in units of its view box."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows stored or rejected so far; `total` is None while it is unknown."""

    done: int
    total: int | None

    @property
    def fraction(self) -> float | None:
        """Between 0 and 1; None while the total is unknown."""
        if self.total is None:
            return None
        return min(self.done / self.total, 1.0) if self.total else 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of some rows: `passed`, or the name of a counter of the job."""

    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the bar: one outcome of rows. `x` and `width` are in units of the view box."""

    outcome: str
    rows: int
    x: float
    width: float


def progress(job: Job) -> Progress | None:
    """The progress of a job that has read rows or knows its total; None before."""
    if job.total is None and not job.rows_done:
        return None
    return Progress(job.rows_done, job.total)


def segments(job: Job) -> Iterator[Segment]:
    """The outcomes that have rows, from left to right; they fill the bar as far as the job is.

    There are none while the total is unknown: a full bar would look like the end.
    """
    if job.total is None:
        return
    whole = max(job.total, job.rows_done)
    x = 0.0
    for outcome in outcomes(job):
        if outcome.rows:
            width = BAR_WIDTH * outcome.rows / whole
            yield Segment(outcome.name, outcome.rows, round(x, 3), round(width, 3))
            x += width


def outcomes(job: Job) -> list[Outcome]:
    """What became of the rows that are done. Those that pass a check are `passed`: nothing is stored."""
    if job.phase is Phase.CHECK:
        counts = {
            "passed": job.processed - job.duplicates,
            "duplicates": job.duplicates,
            "failed": job.failed,
        }
        return [Outcome(name, counts[name]) for name in CHECK_OUTCOMES]
    names = LOAD_OUTCOMES if job.corrects is None else CORRECTION_OUTCOMES
    return [Outcome(name, getattr(job, name)) for name in names]


def is_check(job: Job) -> bool:
    """Whether the rows of a job are only checked so far, as in a dry run."""
    return job.phase is Phase.CHECK


def took(job: Job) -> float | None:
    """Seconds from the first claim of a job to its end; None until then."""
    if job.started_at is None or job.completed_at is None:
        return None
    return max(0.0, (job.completed_at - job.started_at).total_seconds())


def is_live(job: Job) -> bool:
    """Whether the job can change by itself."""
    return not job.status.terminal


def is_cancelling(job: Job) -> bool:
    """Whether its owner has still to see a request to cancel."""
    return job.cancel_requested and job.status is Status.RUNNING
