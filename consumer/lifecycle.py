"""Decides the transition of a job from the outcome of an attempt, in one pure function."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, assert_never

from schemas.codes import ErrorCode
from schemas.status import Status

BACKOFF_SECONDS = (1.0, 5.0, 30.0, 120.0, 300.0)
"""Delays between attempts in a row that committed nothing; the last one repeats."""
OUTAGE_DELAY_SECONDS = 5.0
"""Delay after an internal outage; it consumes no attempt, however long the outage lasts."""
JITTER_FRACTION = 0.2
"""Share by which a delay is extended at most, so that jobs requeued together do not run together."""


@dataclass(frozen=True, slots=True)
class RetryState:
    """The part of a job's row that decides a transition.

    `consecutive_failures` counts attempts without a committed batch, including the one that just ended.
    """

    consecutive_failures: int
    max_attempts: int
    cancel_requested: bool
    deadline: datetime | None


# --- how an attempt ends; `name` is for logs --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Succeeded:
    """Every row is stored or rejected."""

    name: ClassVar[str] = "succeeded"


@dataclass(frozen=True, slots=True)
class PermanentFailure:
    """A permanent error: a retry would fail in the same way."""

    name: ClassVar[str] = "permanent_failure"

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class TransientFailure:
    """A transient error; `retry_after` is the delay in seconds that the source asked for.

    `internal` is True if the service lacked something: Kafka for an upload, space on its disk.
    """

    name: ClassVar[str] = "transient_failure"

    code: str
    message: str
    retry_after: float | None = None
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Released:
    """Stopped for a reason outside the job: a drain, or an outage of the service's Postgres."""

    name: ClassVar[str] = "released"


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """The owner of the lease saw a request to cancel."""

    name: ClassVar[str] = "cancel_requested"


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The deadline of the run passed."""

    name: ClassVar[str] = "timed_out"


@dataclass(frozen=True, slots=True)
class LeaseExpired:
    """The lease expired: its owner crashed, froze, or lost its connection to Postgres."""

    name: ClassVar[str] = "lease_expired"


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
    """running → pending. `consumes_attempt` is False if the attempt does not count."""

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
"""All transitions: (trigger, from, to); a test compares the diagram in docs/states.md."""


def next_transition(state: RetryState, outcome: Outcome, *, now: datetime, jitter: float) -> Transition:
    """The transition after an attempt; `jitter` in [0, 1) spreads the delays."""
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
            delay = max(backoff_seconds(state.consecutive_failures, jitter), retry_after or 0.0)
            return _requeue_or_fail(state, code, message, delay)
        case _:
            assert_never(outcome)


def timeout_failure() -> Fail:
    """The transition of a run past its deadline."""
    return Fail(
        ErrorCode.TIMEOUT,
        "the migration took longer than it may: `retry` goes on from the checkpoint, "
        "or start it again with a longer timeout",
    )


def backoff_seconds(failures: int, jitter: float) -> float:
    """Seconds until the next attempt, after `failures` attempts in a row that committed nothing."""
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


# --- the outcome in the history of attempts ---------------------------------------------------------


class AttemptOutcome(StrEnum):
    """How an attempt ended, as stored; a running attempt has none."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RELEASED = "released"
    """Ended by a drain or an internal outage; it does not count as an attempt."""
    RETRYING = "retrying"
    """A transient error; the job waits for its next attempt."""
    LOST = "lost"
    """Its owner crashed, froze, or lost its connection to Postgres."""
    UNKNOWN = "unknown"
    """Its end was not recorded; never stored."""


def attempt_outcome(transition: Transition) -> AttemptOutcome:
    """The stored outcome of an attempt that led to `transition`.

    The last attempt allowed is `failed` like its job, also if it was lost.
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
    """The error code of a transition, None without one."""
    match transition:
        case Fail(code) | Requeue(code=code):
            return code
        case Complete() | Cancel():
            return None
        case _:
            assert_never(transition)
