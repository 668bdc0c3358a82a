"""Telemetry events, emitted by components and consumed by `Metrics`."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JobClaimed:
    """This replica claimed a job."""


@dataclass(frozen=True, slots=True)
class JobRescued:
    """A job whose owner is gone was requeued, or ended."""


@dataclass(frozen=True, slots=True)
class LeaseLostEvent:
    """Another replica took over a job that runs here."""


@dataclass(frozen=True, slots=True)
class BatchStored:
    """A batch was committed: seconds it took, and numbers of rows by outcome.

    `checked` rows have passed the rules and are not stored; only those of a check are counted so.
    """

    seconds: float
    inserted: int
    updated: int
    unchanged: int
    duplicates: int
    failed: int
    checked: int = 0


@dataclass(frozen=True, slots=True)
class RateLimitWaited:
    """A child waited for a token of the rate limiter."""

    seconds: float


@dataclass(frozen=True, slots=True)
class EventsPublished:
    """Kafka acknowledged this number of status events."""

    events: int


@dataclass(frozen=True, slots=True)
class EventShortened:
    """A status event was too large for the topic, and was sent with shortened texts."""


@dataclass(frozen=True, slots=True)
class RequestRecorded:
    """A request was stored; `kind` is `started`, `duplicate`, or the action of the command."""

    kind: str


@dataclass(frozen=True, slots=True)
class RequestRejected:
    """A message was published as a dead letter, for this reason."""

    reason: str


TelemetryEvent = (
    JobClaimed
    | JobRescued
    | LeaseLostEvent
    | BatchStored
    | RateLimitWaited
    | EventsPublished
    | EventShortened
    | RequestRecorded
    | RequestRejected
)

EventSink = Callable[[TelemetryEvent], None]


def ignore_event(_event: TelemetryEvent) -> None:
    """No-op event sink."""
