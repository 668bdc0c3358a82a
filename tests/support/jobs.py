"""Jobs as values, for tests that need no database."""

from datetime import UTC, datetime
from typing import Any

from consumer.store.jobs import Job
from schemas.new_fields import dump_used
from schemas.requests import StartRequest
from schemas.status import Phase, Status

CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make_pending_job(request: StartRequest, **changes: Any) -> Job:
    """The job that waits after a request was recorded."""
    values: dict[str, Any] = {
        "id": 1,
        "request_id": "r-1",
        "request_digest": request.digest(),
        "dataset": request.dataset,
        "source_type": request.source.type,
        "source_identifier": request.source.identifier,
        "source": dump_used(request.source),
        "options": dump_used(request.options),
        "needs": request.needs,
        "timeout_seconds": 3600,
        "max_attempts": 3,
        "status": Status.PENDING,
        "run": 1,
        "cancel_requested": False,
        "dry_run": False,
        "all_or_nothing": False,
        "phase": Phase.LOAD,
        "warnings": {},
        "sequence": 1,
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
        "now": CREATED_AT,
    }
    counters = (
        "processed", "failed", "inserted", "updated", "unchanged", "duplicates",
        "untouched", "dismissed", "already_corrected", "rows_corrected", "rows_dismissed",
    )  # fmt: skip
    zeros = ("attempt", "consecutive_failures", "rows_at_attempt_start", "load", *counters)
    values |= dict.fromkeys(zeros, 0)
    values["available_at"] = CREATED_AT
    nothing: dict[str, Any] = dict.fromkeys(Job.__dataclass_fields__)
    return Job(**nothing | values | changes)


def make_job(**changes: Any) -> Job:
    """A job of a workbook that waits, apart from `changes`."""
    request = StartRequest.model_validate(
        {"action": "start", "dataset": "chats", "source": {"type": "excel", "file": {"path": "chats.xlsx"}}}
    )
    return make_pending_job(request, **changes)
