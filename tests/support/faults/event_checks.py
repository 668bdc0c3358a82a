"""What a reader of the status topic makes of a job's events, and what is wrong with them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.status import StatusEvent


def drop_stale_events(events: Sequence[StatusEvent]) -> list[StatusEvent]:
    """What is left to a reader who drops every event that is not newer than all before."""
    found: list[StatusEvent] = []
    for event in events:
        if not found or event.sequence > found[-1].sequence:
            found.append(event)
    return found


def event_violations(events: Sequence[StatusEvent], job: Mapping[str, Any]) -> list[str]:
    """Violations in the published events of one job; `job` is its row."""
    read = drop_stale_events(events)
    found = []
    if [event.sequence for event in read] != list(range(1, job["sequence"] + 1)):
        found.append(
            f"its sequence is not 1 to {job['sequence']}: {[event.sequence for event in events]} are there"
        )
    found += _conflicting_duplicates(events)
    ends = Counter(event.run for event in read if event.status.terminal)
    if ends != Counter(range(1, job["run"] + 1)):
        found.append(f"of {job['run']} runs these have a terminal event: {dict(ends)}")
    if read and (read[-1].status.value, read[-1].processed) != (job["status"], job["processed"]):
        found.append(f"its last event says {read[-1].status.value}, its row {job['status']}")
    return found


def _conflicting_duplicates(events: Sequence[StatusEvent]) -> list[str]:
    """One event may come several times, and is the same each time."""
    first: dict[int, StatusEvent] = {}
    return [
        f"two different events carry sequence {event.sequence}"
        for event in events
        if first.setdefault(event.sequence, event) != event
    ]
