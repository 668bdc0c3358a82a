"""Status events of one job: parsing, ordering by sequence, and the exit code of the final one."""

import json
from dataclasses import dataclass

from producer_cli.errors import ExitCode
from schemas.codes import ErrorCode
from schemas.status import Status, StatusEvent


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event, and its JSON as published, on one line."""

    event: StatusEvent
    json_line: str


def read_event(value: bytes | None) -> ReceivedEvent | None:
    """Parse the value of a record; None if it is not a status event, such as a tombstone."""
    try:
        event = StatusEvent.model_validate_json(value or b"")
        text = json.dumps(json.loads(value or b""), ensure_ascii=False)
    except ValueError:  # of pydantic, or of json for integers of more than 4300 digits
        return None
    return ReceivedEvent(event, text)


@dataclass(slots=True)
class RunTracker:
    """Accepts the new events of one job and detects the end of the awaited run.

    Events up to `last_sequence` are not new. The awaited run is the first after `after_run`. None means that
    the current run is unknown: if its first event is terminal, the next run is awaited.
    """

    last_sequence: int = -1
    after_run: int | None = -1
    last: ReceivedEvent | None = None

    @classmethod
    def for_next_run(cls, known_event: ReceivedEvent | None) -> "RunTracker":
        """Return a tracker that awaits the run started by a retry."""
        if known_event is None:
            return cls(after_run=None)
        return cls(known_event.event.sequence, known_event.event.run)

    def accept(self, received: ReceivedEvent) -> bool:
        """Store a new event; return whether it was new."""
        event = received.event
        if event.sequence <= self.last_sequence:
            return False
        self.last_sequence = event.sequence
        if self.after_run is None:
            self.after_run = event.run if event.status.terminal else event.run - 1
        self.last = received
        return True

    def latest_in_run(self) -> ReceivedEvent | None:
        """The latest event of the awaited run; None before it has started."""
        if self.last is None or self.after_run is None:
            return None
        return self.last if self.last.event.run > self.after_run else None

    def end_of_run(self) -> ReceivedEvent | None:
        """The terminal event of the awaited run; None before it has ended."""
        latest = self.latest_in_run()
        return latest if latest and latest.event.status.terminal else None


def exit_code_for(event: StatusEvent) -> ExitCode:
    """Return the exit code for a final event; USAGE for a request that never became a job."""
    match event.status:
        case Status.COMPLETED:
            return ExitCode.OK
        case Status.CANCELLED:
            return ExitCode.CANCELLED
        case _ if event.job_id is None and event.error and event.error.code == ErrorCode.INVALID_REQUEST:
            return ExitCode.USAGE
        case _:
            return ExitCode.FAILED
