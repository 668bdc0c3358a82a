"""Status events as a reader takes them: the highest sequence of a job counts, the rest is dropped."""

import json
from dataclasses import dataclass

from producer_cli.exits import Exit
from schemas.codes import ErrorCode
from schemas.status import MigrationStatus, Status


@dataclass(frozen=True, slots=True)
class Sighting:
    """One event, and its JSON as published, on one line."""

    event: MigrationStatus
    text: str


def read_event(value: bytes | None) -> Sighting | None:
    """The event in a record of the status topic; None for what is not one (a tombstone, a stranger)."""
    try:
        event = MigrationStatus.model_validate_json(value or b"")
        text = json.dumps(json.loads(value or b""), ensure_ascii=False)
    except ValueError:  # pydantic's, and Python's for an integer of thousands of digits
        return None
    return Sighting(event, text)


@dataclass(slots=True)
class Fold:
    """Takes the events of one job and says which are news, and when the awaited run has ended.

    `seen` is the highest sequence that is no news. An end counts only for a run after `after_run`;
    None: the next run is awaited and the present one not known, so an end that comes first is the old one.
    """

    seen: int = -1
    after_run: int | None = -1
    last: Sighting | None = None

    @classmethod
    def for_next_run(cls, known: Sighting | None) -> "Fold":
        """What waits for the run that a retry asks for."""
        if known is None:
            return cls(after_run=None)
        return cls(known.event.sequence, known.event.run)

    def take(self, sighting: Sighting) -> bool:
        """Whether this event is news; remembers it if so."""
        event = sighting.event
        if event.sequence <= self.seen:
            return False
        self.seen = event.sequence
        if self.after_run is None:
            self.after_run = event.run if event.status.terminal else event.run - 1
        self.last = sighting
        return True

    def begun(self) -> Sighting | None:
        """The last event of the awaited run, once it has begun."""
        if self.last is None or self.after_run is None:
            return None
        return self.last if self.last.event.run > self.after_run else None

    def end(self) -> Sighting | None:
        """The end of the awaited run, once it has come."""
        begun = self.begun()
        return begun if begun and begun.event.status.terminal else None


def exit_of(event: MigrationStatus) -> Exit:
    """The exit code for the event that ended the watch; a request that was never a job is wrong input."""
    match event.status:
        case Status.COMPLETED:
            return Exit.OK
        case Status.CANCELLED:
            return Exit.CANCELLED
        case _ if event.job_id is None and event.error and event.error.code == ErrorCode.INVALID_REQUEST:
            return Exit.USAGE
        case _:
            return Exit.FAILED
