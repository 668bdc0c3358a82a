"""What happens in a replica and is worth counting: told by the rooms in which it happens, heard in one."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JobClaimed:
    """A job is ours."""


@dataclass(frozen=True, slots=True)
class JobRescued:
    """A job whose owner is gone was put back to wait, or ended."""


@dataclass(frozen=True, slots=True)
class LeaseLostEvent:
    """A job that runs here belongs to somebody else by now."""


@dataclass(frozen=True, slots=True)
class BatchStored:
    """A batch is committed: how long that took, and its rows by outcome."""

    seconds: float
    inserted: int
    updated: int
    unchanged: int
    duplicates: int
    failed: int


@dataclass(frozen=True, slots=True)
class RateLimitWaited:
    """A child had to wait for a token."""

    seconds: float


@dataclass(frozen=True, slots=True)
class EventsPublished:
    """Kafka has so many more events."""

    events: int


@dataclass(frozen=True, slots=True)
class EventShortened:
    """An event was larger than Kafka takes, and is sent without a part of its texts."""


@dataclass(frozen=True, slots=True)
class RequestRecorded:
    """A message is in Postgres: `started`, `duplicate`, or the command it was."""

    kind: str


@dataclass(frozen=True, slots=True)
class RequestRejected:
    """A message is in the dead letters, for this reason."""

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
    """Where nobody counts."""
