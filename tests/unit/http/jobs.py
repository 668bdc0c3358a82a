"""A job as a value, for tests that need no database."""

from datetime import UTC, datetime

from consumer.store.jobs import Job
from schemas.status import Status

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)


def make_job() -> Job:
    """A pending one, asked for by nobody."""
    return Job(
        id=1,
        request_id="r-1",
        request_digest="0" * 64,
        dataset="chats",
        source_type="excel",
        source_identifier="chats.xlsx",
        source={"type": "excel", "file": {"path": "chats.xlsx"}, "sheet": None},
        options=None,
        requested_by=None,
        run_requested_by=None,
        traceparent=None,
        timeout_seconds=7_200,
        max_attempts=3,
        status=Status.PENDING,
        run=1,
        attempt=0,
        failures=0,
        token=None,
        cancel_requested=False,
        detail=None,
        error_code=None,
        error_message=None,
        fingerprint=None,
        checkpoint=None,
        source_state=None,
        total=None,
        processed=0,
        failed=0,
        inserted=0,
        updated=0,
        unchanged=0,
        duplicates=0,
        warnings={},
        sequence=1,
        attempt_rows=0,
        attempt_started_at=None,
        run_started_at=None,
        created_at=AT,
        started_at=None,
        updated_at=AT,
        completed_at=None,
        now=AT,
    )
