"""What becomes of a job when an attempt ends: outcome → transition, decided in one pure function."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from schemas.codes import ErrorCode
from schemas.status import Status

BACKOFF_SECONDS = (1.0, 5.0, 30.0, 120.0, 300.0)
"""Waits between attempts in a row that committed nothing; the last one repeats."""
OUTAGE_SECONDS = 5.0
"""Wait of a job that met an outage of our own; however long that lasts, no attempt is burned."""
JITTER = 0.2
"""A wait is stretched by up to this share, so that jobs put back together do not return together."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision looks at. `failures`: attempts in a row without a committed batch, this one too."""

    failures: int
    max_attempts: int
    cancel_requested: bool
    deadline: datetime | None


# --- how an attempt ends ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finished:
    """Every row was read and stored."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A permanent error: trying again changes nothing."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Stumbled:
    """A transient error; `retry_after` (seconds) is what the source asked for.

    `ours` is true where the service lacked something: Kafka for an upload, room on its disk.
    """

    code: str
    message: str
    retry_after: float | None = None
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Stopped for a reason that is not the job's: a drain, or our own database was away."""


@dataclass(frozen=True, slots=True)
class CancelSeen:
    """The owner saw the wish to cancel."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The wall clock of the run went past its limit."""


@dataclass(frozen=True, slots=True)
class OwnerLost:
    """The lease ran out: the owner died, froze, or lost its database."""


Outcome = Finished | Refused | Stumbled | Interrupted | CancelSeen | TimedOut | OwnerLost


# --- what is written -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Complete:
    """running → completed."""


@dataclass(frozen=True, slots=True)
class Fail:
    """running or pending → failed."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """running or pending → cancelled."""


@dataclass(frozen=True, slots=True)
class PutBack:
    """running → pending. `burned` is false where the attempt is given back."""

    delay: timedelta
    burned: bool
    code: str | None = None
    message: str | None = None


Transition = Complete | Fail | Cancel | PutBack

EDGES = frozenset(
    {
        ("start", None, Status.PENDING),
        ("claim", Status.PENDING, Status.RUNNING),
        ("all rows read", Status.RUNNING, Status.COMPLETED),
        ("permanent error, attempts used up, or timeout", Status.RUNNING, Status.FAILED),
        ("timeout while waiting", Status.PENDING, Status.FAILED),
        ("lease ran out, stop asked, or transient error", Status.RUNNING, Status.PENDING),
        ("cancel", Status.PENDING, Status.CANCELLED),
        ("cancel", Status.RUNNING, Status.CANCELLED),
        ("retry", Status.FAILED, Status.PENDING),
        ("retry", Status.CANCELLED, Status.PENDING),
    }
)
"""Every change of state there is; the picture in docs/states.md is held against it."""


def settle(job: Facts, outcome: Outcome, *, now: datetime, chance: float) -> Transition:
    """Decide what an attempt's end means for the job. `chance` in [0, 1) spreads the waits."""
    if isinstance(outcome, Finished):
        return Complete()
    if job.cancel_requested or isinstance(outcome, CancelSeen):
        return Cancel()
    if isinstance(outcome, Refused):
        return Fail(outcome.code, outcome.message)
    if isinstance(outcome, TimedOut) or (job.deadline is not None and now >= job.deadline):
        return timed_out()
    match outcome:
        case Interrupted():
            return PutBack(timedelta(), burned=False)
        case OwnerLost():
            return _again(job, ErrorCode.WORKER_LOST, "the process that ran the job ended", 0.0)
        case Stumbled(code, message, ours=True):
            pause = timedelta(seconds=OUTAGE_SECONDS * (1 + JITTER * chance))
            return PutBack(pause, burned=False, code=code, message=message)
        case Stumbled(code, message, retry_after):
            wait = max(backoff(job.failures, chance), retry_after or 0.0)
            return _again(job, code, message, wait)
        case _:
            assert_never(outcome)


def timed_out() -> Fail:
    """The end of a run that took longer than it may."""
    return Fail(
        ErrorCode.TIMEOUT,
        "the migration took longer than it may: `retry` goes on from the checkpoint, "
        "or start it anew with a longer timeout",
    )


def backoff(failures: int, chance: float) -> float:
    """Seconds to wait after so many attempts in a row that committed nothing."""
    step = BACKOFF_SECONDS[min(max(failures, 1), len(BACKOFF_SECONDS)) - 1]
    return step * (1 + JITTER * chance)


def _again(job: Facts, code: str, message: str, wait: float) -> Transition:
    if job.failures >= job.max_attempts:
        times = f"{job.failures} attempts in a row" if job.failures > 1 else "the only attempt allowed"
        return Fail(code, f"{message} (given up after {times})")
    return PutBack(timedelta(seconds=wait), burned=True, code=code, message=message)


# --- what the history of a job says of an attempt --------------------------------------------------


class AttemptOutcome(StrEnum):
    """How an attempt ended; one that runs has no outcome yet."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RELEASED = "released"
    """Handed back by a drain, or because the service itself lacked something: it counts for nothing."""
    RETRYING = "retrying"
    """A transient error; the job waits for its next attempt."""
    LOST = "lost"
    """Its owner died, froze, or lost its database."""
    UNKNOWN = "unknown"
    """Its end was not written down; never stored."""


def attempt_outcome(transition: Transition) -> AttemptOutcome:
    """How an attempt ended that brought about this transition.

    An attempt that was lost or failed, and was the last one allowed, is `failed` like its job.
    """
    match transition:
        case Complete():
            return AttemptOutcome.COMPLETED
        case Fail():
            return AttemptOutcome.FAILED
        case Cancel():
            return AttemptOutcome.CANCELLED
        case PutBack(burned=False):
            return AttemptOutcome.RELEASED
        case PutBack(code=ErrorCode.WORKER_LOST):
            return AttemptOutcome.LOST
        case PutBack():
            return AttemptOutcome.RETRYING
        case _:
            assert_never(transition)


def attempt_error(transition: Transition) -> str | None:
    """The error code of a transition, where it has one."""
    match transition:
        case Fail(code) | PutBack(code=code):
            return code
        case Complete() | Cancel():
            return None
        case _:
            assert_never(transition)
