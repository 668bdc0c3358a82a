"""What becomes of a job when an attempt ends: outcome → transition, decided in one pure function."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from schemas.codes import ErrorCode
from schemas.status import Status

BACKOFF_SECONDS = (1.0, 5.0, 30.0, 120.0, 300.0)
"""Waits between attempts in a row that committed nothing; the last one repeats."""
OUTAGE_DELAY_SECONDS = 5.0
"""Wait of a job that met an outage of our own; however long that lasts, no attempt is burned."""
JITTER_FRACTION = 0.2
"""A wait is stretched by up to this share, so that jobs put back together do not return together."""


@dataclass(frozen=True, slots=True)
class RetryState:
    """What a decision looks at. `failures`: attempts in a row without a committed batch, this one too."""

    consecutive_failures: int
    max_attempts: int
    cancel_requested: bool
    deadline: datetime | None


# --- how an attempt ends ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Succeeded:
    """Every row was read and stored."""


@dataclass(frozen=True, slots=True)
class PermanentFailure:
    """A permanent error: trying again changes nothing."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class TransientFailure:
    """A transient error; `retry_after` (seconds) is what the source asked for.

    `ours` is true where the service lacked something: Kafka for an upload, room on its disk.
    """

    code: str
    message: str
    retry_after: float | None = None
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Released:
    """Stopped for a reason that is not the job's: a drain, or our own database was away."""


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """The owner saw the wish to cancel."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The wall clock of the run went past its limit."""


@dataclass(frozen=True, slots=True)
class LeaseExpired:
    """The lease ran out: the owner died, froze, or lost its database."""


Outcome = (
    Succeeded | PermanentFailure | TransientFailure | Released | CancelRequested | TimedOut | LeaseExpired
)


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
class Requeue:
    """running → pending. `burned` is false where the attempt is given back."""

    delay: timedelta
    consumes_attempt: bool
    code: str | None = None
    message: str | None = None


Transition = Complete | Fail | Cancel | Requeue

TRANSITIONS = frozenset(
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


def next_transition(state: RetryState, outcome: Outcome, *, now: datetime, jitter: float) -> Transition:
    """Decide what an attempt's end means for the job. `chance` in [0, 1) spreads the waits."""
    if isinstance(outcome, Succeeded):
        return Complete()
    if state.cancel_requested or isinstance(outcome, CancelRequested):
        return Cancel()
    if isinstance(outcome, PermanentFailure):
        return Fail(outcome.code, outcome.message)
    if isinstance(outcome, TimedOut) or (state.deadline is not None and now >= state.deadline):
        return timeout_failure()
    match outcome:
        case Released():
            return Requeue(timedelta(), consumes_attempt=False)
        case LeaseExpired():
            return _requeue_or_fail(state, ErrorCode.WORKER_LOST, "the process that ran the job ended", 0.0)
        case TransientFailure(code, message, internal=True):
            pause = timedelta(seconds=OUTAGE_DELAY_SECONDS * (1 + JITTER_FRACTION * jitter))
            return Requeue(pause, consumes_attempt=False, code=code, message=message)
        case TransientFailure(code, message, retry_after):
            wait = max(backoff_seconds(state.consecutive_failures, jitter), retry_after or 0.0)
            return _requeue_or_fail(state, code, message, wait)
        case _:
            assert_never(outcome)


def timeout_failure() -> Fail:
    """The end of a run that took longer than it may."""
    return Fail(
        ErrorCode.TIMEOUT,
        "the migration took longer than it may: `retry` goes on from the checkpoint, "
        "or start it anew with a longer timeout",
    )


def backoff_seconds(failures: int, jitter: float) -> float:
    """Seconds to wait after so many attempts in a row that committed nothing."""
    step = BACKOFF_SECONDS[min(max(failures, 1), len(BACKOFF_SECONDS)) - 1]
    return step * (1 + JITTER_FRACTION * jitter)


def _requeue_or_fail(state: RetryState, code: str, message: str, delay_seconds: float) -> Transition:
    if state.consecutive_failures >= state.max_attempts:
        times = (
            f"{state.consecutive_failures} attempts in a row"
            if state.consecutive_failures > 1
            else "the only attempt allowed"
        )
        return Fail(code, f"{message} (given up after {times})")
    return Requeue(timedelta(seconds=delay_seconds), consumes_attempt=True, code=code, message=message)


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
        case Requeue(consumes_attempt=False):
            return AttemptOutcome.RELEASED
        case Requeue(code=ErrorCode.WORKER_LOST):
            return AttemptOutcome.LOST
        case Requeue():
            return AttemptOutcome.RETRYING
        case _:
            assert_never(transition)


def attempt_error(transition: Transition) -> str | None:
    """The error code of a transition, where it has one."""
    match transition:
        case Fail(code) | Requeue(code=code):
            return code
        case Complete() | Cancel():
            return None
        case _:
            assert_never(transition)
