"""Makes status events: what a state requires is filled in."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from producer_cli.events import ReceivedEvent, read_event
from schemas.status import Status, StatusEvent

STARTED_AT = datetime(2026, 10, 1, 12, 0, 0, tzinfo=UTC)
REQUEST_ID = "0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11"


def make_event(status: str = "running", sequence: int = 1, **other: Any) -> StatusEvent:
    state = Status(status)
    started = STARTED_AT if state is not Status.PENDING else None
    failed = {"code": "workbook_damaged", "message": "The workbook is damaged; save it again."}
    values: dict[str, Any] = {
        "event_id": uuid.uuid4(),
        "sequence": sequence,
        "request_id": REQUEST_ID,
        "job_id": 7,
        "dataset": "chats",
        "source_type": "excel",
        "source_identifier": "chats.xlsx",
        "status": state,
        "run": 1,
        "attempt": 1,
        "detail": None,
        "total": 1000 if state is Status.COMPLETED else None,
        "processed": 1000 if state is Status.COMPLETED else 0,
        "failed": 0,
        "inserted": 0,
        "updated": 0,
        "unchanged": 0,
        "duplicates": 0,
        "warnings": {},
        "rows_per_second": None,
        "eta_seconds": None,
        "error": failed if state is Status.FAILED else None,
        "occurred_at": STARTED_AT + timedelta(seconds=4),
        "started_at": started,
        "completed_at": STARTED_AT + timedelta(seconds=4) if state.terminal else None,
    }
    return StatusEvent.model_validate(values | other)


def make_received_event(status: str = "running", sequence: int = 1, **other: Any) -> ReceivedEvent:
    sighting = read_event(make_event(status, sequence, **other).model_dump_json().encode())
    assert sighting is not None
    return sighting
