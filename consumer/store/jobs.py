"""A job as a value, and its status event."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from consumer.lifecycle import RetryState
from consumer.passes import Pass, current_pass
from consumer.reject_limit import RejectLimit
from consumer.store.connect import Row
from schemas.codes import ErrorCode
from schemas.status import ErrorInfo, Phase, Status, StatusEvent


@dataclass(frozen=True, slots=True)
class CorrectionCounts:
    """Rejected rows that corrections have stored or dismissed, and those that are open."""

    corrected: int
    dismissed: int
    open: int


@dataclass(frozen=True, slots=True)
class Job:
    """A row of `migration.jobs`; `now` is no column, but the database's clock when the row was read."""

    id: int
    request_id: str
    request_digest: str
    dataset: str
    source_type: str
    source_identifier: str
    source: Mapping[str, Any]
    options: Mapping[str, Any]
    requested_by: str | None
    run_requested_by: str | None
    traceparent: str | None
    timeout_seconds: int
    max_attempts: int
    status: Status
    run: int
    attempt: int
    consecutive_failures: int
    token: int | None
    available_at: datetime
    cancel_requested: bool
    detail: str | None
    error_code: str | None
    error_message: str | None
    suggested_columns: Mapping[str, str] | None
    fingerprint: str | None
    checkpoint: int | None
    dry_run: bool
    all_or_nothing: bool
    max_rejected: str | None
    phase: Phase
    checked_fingerprint: str | None
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
    rows_at_attempt_start: int
    attempt_started_at: datetime | None
    run_started_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    completed_at: datetime | None
    needs: Sequence[str]
    corrects: Mapping[str, Any] | None
    untouched: int
    dismissed: int
    already_corrected: int
    rows_corrected: int
    rows_dismissed: int
    now: datetime

    @property
    def deadline(self) -> datetime | None:
        """When the current run times out; None before its first claim."""
        if self.run_started_at is None:
            return None
        return self.run_started_at + timedelta(seconds=self.timeout_seconds)

    @property
    def retry_state(self) -> RetryState:
        """Input of `lifecycle.next_transition`."""
        return RetryState(self.consecutive_failures, self.max_attempts, self.cancel_requested, self.deadline)

    @property
    def current_pass(self) -> Pass:
        """What the next reading of the source does with the rows."""
        return current_pass(
            self.phase,
            checks_first=self.all_or_nothing and not self.dry_run,
            checked_fingerprint=self.checked_fingerprint,
        )

    @property
    def reject_limit(self) -> RejectLimit:
        """How many rejected rows the job may have; 0 if it stores all rows or none and names no limit."""
        return RejectLimit.parse(
            "0" if self.max_rejected is None and self.all_or_nothing else self.max_rejected
        )

    @property
    def error(self) -> ErrorInfo | None:
        """Why the job failed, or why its last attempt did."""
        if self.error_code is None:
            return None
        columns = self.suggested_columns if self.error_code == ErrorCode.MISSING_COLUMN else None
        return ErrorInfo(code=self.error_code, message=self.error_message or "", columns=columns)

    @property
    def rows_done(self) -> int:
        """Rows of the source that are accounted for so far in the current load."""
        return self.processed + self.failed + self.untouched + self.dismissed + self.already_corrected

    @property
    def corrections(self) -> CorrectionCounts | None:
        """What corrections have done with the rejected rows; None for a correction, which has none."""
        if self.corrects is not None:
            return None
        return CorrectionCounts(
            self.rows_corrected, self.rows_dismissed, self.failed - self.rows_corrected - self.rows_dismissed
        )

    @property
    def rows_per_second(self) -> float | None:
        """Rate of the running attempt; None when there is none, or no row yet."""
        if self.status is not Status.RUNNING or self.attempt_started_at is None:
            return None
        seconds = (self.now - self.attempt_started_at).total_seconds()
        rows = self.rows_done - self.rows_at_attempt_start
        return round(rows / seconds, 1) if seconds > 0 and rows > 0 else None

    @property
    def eta_seconds(self) -> float | None:
        """Seconds the remaining rows take at this rate; None where it or the total is unknown.

        A rate that rounds to nothing is as good as unknown.
        """
        rate = self.rows_per_second
        if not rate or self.total is None:
            return None
        return round(max(self.total - self.rows_done, 0) / rate, 1)


JOB_COLUMNS = (
    ", ".join(field.name for field in fields(Job) if field.name != "now") + ", clock_timestamp() as now"
)
"""The columns of a Job, for `select` and `returning`."""

BUMP_SEQUENCE = "sequence = sequence + 1, updated_at = clock_timestamp(), last_event_at = clock_timestamp()"
"""Assignments of every change that gets a status event: call `outbox.emit` in the same transaction."""

_JSON_COLUMNS = ("source", "options", "suggested_columns", "source_state", "warnings", "corrects")


EVENT_FIELDS_OF_JOB = frozenset(StatusEvent.model_fields) - {
    "schema_version",
    "event_id",
    "job_id",
    "occurred_at",
}
"""Fields of a status event that a Job has under the same name."""


def job_from_row(row: Row | Mapping[str, Any]) -> Job:
    """The Job of a row with JOB_COLUMNS."""
    values: dict[str, Any] = dict(row)
    for name in _JSON_COLUMNS:
        values[name] = json.loads(values[name]) if values[name] is not None else None
    values["status"] = Status(values["status"])
    values["phase"] = Phase(values["phase"])
    return Job(**values)


def status_event(job: Job, event_id: UUID) -> StatusEvent:
    """The status event of a job in its present state."""
    values: dict[str, Any] = {name: getattr(job, name) for name in EVENT_FIELDS_OF_JOB}
    return StatusEvent(event_id=event_id, job_id=job.id, occurred_at=job.now, **values)


def sum_counters(*counters: Mapping[str, int]) -> dict[str, int]:
    """The sum of counters by code, without zeros."""
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return {code: number for code, number in sorted(total.items()) if number}
