"""Status events as a reader takes them: the highest sequence of a job counts, the rest is dropped."""

import json
from dataclasses import dataclass

from producer_cli.errors import ExitCode
from schemas.codes import ErrorCode
from schemas.status import Status, StatusEvent


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """One event, and its JSON as published, on one line."""

    event: StatusEvent
    json_line: str


def read_event(value: bytes | None) -> ReceivedEvent | None:
    """The event in a record of the status topic; None for what is not one (a tombstone, a stranger)."""
    try:
        event = StatusEvent.model_validate_json(value or b"")
        text = json.dumps(json.loads(value or b""), ensure_ascii=False)
    except ValueError:  # pydantic's, and Python's for an integer of thousands of digits
        return None
    return ReceivedEvent(event, text)


@dataclass(slots=True)
class RunTracker:
    """Takes the events of one job and says which are news, and when the awaited run has ended.

    `seen` is the highest sequence that is no news. An end counts only for a run after `after_run`;
    None: the next run is awaited and the present one not known, so an end that comes first is the old one.
    """

    last_sequence: int = -1
    after_run: int | None = -1
    last: ReceivedEvent | None = None

    @classmethod
    def for_next_run(cls, known_event: ReceivedEvent | None) -> "RunTracker":
        """What waits for the run that a retry asks for."""
        if known_event is None:
            return cls(after_run=None)
        return cls(known_event.event.sequence, known_event.event.run)

    def accept(self, received: ReceivedEvent) -> bool:
        """Whether this event is news; remembers it if so."""
        event = received.event
        if event.sequence <= self.last_sequence:
            return False
        self.last_sequence = event.sequence
        if self.after_run is None:
            self.after_run = event.run if event.status.terminal else event.run - 1
        self.last = received
        return True

    def latest_in_run(self) -> ReceivedEvent | None:
        """The last event of the awaited run, once it has begun."""
        if self.last is None or self.after_run is None:
            return None
        return self.last if self.last.event.run > self.after_run else None

    def end_of_run(self) -> ReceivedEvent | None:
        """The end of the awaited run, once it has come."""
        begun = self.latest_in_run()
        return begun if begun and begun.event.status.terminal else None


def exit_code_for(event: StatusEvent) -> ExitCode:
    """The exit code for the event that ended the watch; a request that was never a job is wrong input."""
    match event.status:
        case Status.COMPLETED:
            return ExitCode.OK
        case Status.CANCELLED:
            return ExitCode.CANCELLED
        case _ if event.job_id is None and event.error and event.error.code == ErrorCode.INVALID_REQUEST:
            return ExitCode.USAGE
        case _:
            return ExitCode.FAILED
