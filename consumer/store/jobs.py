"""A job's row as a value, and the status event it makes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from consumer.lifecycle import RetryState
from consumer.store.connect import Row
from schemas.status import ErrorInfo, Status, StatusEvent


@dataclass(frozen=True, slots=True)
class Job:
    """What is known of a job. `now` is the database's clock when the row was read."""

    id: int
    request_id: str
    request_digest: str
    dataset: str
    source_type: str
    source_identifier: str
    source: Mapping[str, Any]
    options: Mapping[str, Any] | None
    requested_by: str | None
    run_requested_by: str | None
    traceparent: str | None
    timeout_seconds: int
    max_attempts: int
    status: Status
    run: int
    attempt: int
    failures: int
    token: int | None
    cancel_requested: bool
    detail: str | None
    error_code: str | None
    error_message: str | None
    fingerprint: str | None
    checkpoint: int | None
    source_state: Mapping[str, Any] | None
    load: int
    total: int | None
    processed: int
    failed: int
    inserted: int
    updated: int
    unchanged: int
    duplicates: int
    warnings: Mapping[str, int]
    sequence: int
    attempt_rows: int
    attempt_started_at: datetime | None
    run_started_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    completed_at: datetime | None
    now: datetime

    @property
    def deadline(self) -> datetime | None:
        """When the present run has to be over; None before its first claim."""
        if self.run_started_at is None:
            return None
        return self.run_started_at + timedelta(seconds=self.timeout_seconds)

    @property
    def retry_state(self) -> RetryState:
        """What the decision at the end of an attempt looks at."""
        return RetryState(self.failures, self.max_attempts, self.cancel_requested, self.deadline)

    @property
    def error(self) -> ErrorInfo | None:
        """Why it failed, or what its next attempt follows on."""
        if self.error_code is None:
            return None
        return ErrorInfo(code=self.error_code, message=self.error_message or "")

    @property
    def rows_done(self) -> int:
        """Rows accounted for."""
        return self.processed + self.failed

    @property
    def rows_per_second(self) -> float | None:
        """The rate of the present attempt, while it runs."""
        if self.status is not Status.RUNNING or self.attempt_started_at is None:
            return None
        seconds = (self.now - self.attempt_started_at).total_seconds()
        rows = self.rows_done - self.attempt_rows
        return round(rows / seconds, 1) if seconds > 0 and rows > 0 else None

    @property
    def eta_seconds(self) -> float | None:
        """How long the rest takes at the present rate."""
        rate = self.rows_per_second
        if rate is None or self.total is None:
            return None
        return round(max(self.total - self.rows_done, 0) / rate, 1)


JOB_COLUMNS = """id, request_id, request_digest, dataset, source_type, source_identifier, source, options,
  requested_by, run_requested_by, traceparent, timeout_seconds, max_attempts, status, run, attempt, failures,
  token, cancel_requested, detail, error_code, error_message, fingerprint, checkpoint, source_state, load,
  total, processed, failed, inserted, updated, unchanged, duplicates, warnings, sequence, attempt_rows,
  attempt_started_at, run_started_at, created_at, started_at, updated_at, completed_at,
  clock_timestamp() as now"""
"""The columns of a Job, for `select` and `returning`."""

BUMP_SEQUENCE = "sequence = sequence + 1, updated_at = clock_timestamp(), progressed_at = clock_timestamp()"
"""What every change sets that is told: `outbox.emit` has to follow in the same transaction."""

OLDER_LOADS_MARK = "older loads:"
"""Before the fingerprint of a load that began while rows of older ones were stored.

A replica of the version before takes it for another source, and reads it from the top: it would hold rows of
older loads for rejected ones of this load.
"""

_JSON_COLUMNS = ("source", "options", "source_state", "warnings")


def job_from_row(row: Row | Mapping[str, Any]) -> Job:
    """A row of COLUMNS as a value."""
    values: dict[str, Any] = dict(row)
    for name in _JSON_COLUMNS:
        values[name] = json.loads(values[name]) if values[name] is not None else None
    values["status"] = Status(values["status"])
    if values["fingerprint"] is not None:
        values["fingerprint"] = values["fingerprint"].removeprefix(OLDER_LOADS_MARK)
    return Job(**values)


def status_event(job: Job, event_id: UUID) -> StatusEvent:
    """The status event of a job as it stands."""
    return StatusEvent(
        event_id=event_id,
        sequence=job.sequence,
        request_id=job.request_id,
        job_id=job.id,
        dataset=job.dataset,
        source_type=job.source_type,
        source_identifier=job.source_identifier,
        status=job.status,
        run=job.run,
        attempt=job.attempt,
        detail=job.detail,
        total=job.total,
        processed=job.processed,
        failed=job.failed,
        inserted=job.inserted,
        updated=job.updated,
        unchanged=job.unchanged,
        duplicates=job.duplicates,
        warnings=dict(job.warnings),
        rows_per_second=job.rows_per_second,
        eta_seconds=job.eta_seconds,
        error=job.error,
        occurred_at=job.now,
        started_at=job.started_at,
        completed_at=job.completed_at,
    )
