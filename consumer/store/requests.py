"""Records start requests as jobs: one request id, one job, for ever."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from uuid import uuid4

from consumer.store import outbox
from consumer.store.connect import Connection
from consumer.store.jobs import COLUMNS, Job, job
from consumer.store.transitions import wake_workers
from schemas.codes import ErrorCode
from schemas.requests import StartRequest
from schemas.status import EventError, MigrationStatus, Status


class Recorded(Enum):
    """What became of a start request."""

    STARTED = auto()
    REPEATED = auto()
    REUSED = auto()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a job may take where its request does not say."""

    timeout_seconds: int
    max_attempts: int


RECORD = f"""
insert into migration.jobs (request_id, request_digest, dataset, source_type, source_identifier, source,
  requested_by, traceparent, timeout_seconds, max_attempts, sequence, progressed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, clock_timestamp())
on conflict (request_id) do nothing
returning {COLUMNS}
"""  # noqa: S608 – names of columns, no values

KNOWN = "select id, request_digest from migration.jobs where request_id = $1"


async def record(
    connection: Connection, request_id: str, request: StartRequest, limits: Limits, traceparent: str | None
) -> Recorded:
    """Make the job of a request, or say its last event again, or find that the id is somebody else's."""
    row = await connection.fetchrow(
        RECORD,
        request_id,
        request.digest(),
        request.dataset,
        request.source.type,
        request.source.identifier,
        json.dumps(request.source.model_dump(mode="json")),
        request.requested_by,
        traceparent,
        request.options.timeout_seconds or limits.timeout_seconds,
        request.options.max_attempts or limits.max_attempts,
    )
    if row is not None:
        await _started(connection, job(row))
        return Recorded.STARTED
    known = await connection.fetchrow(KNOWN, request_id)
    assert known is not None, "jobs are never removed while a request names them"  # noqa: S101
    if known["request_digest"] != request.digest():
        return Recorded.REUSED
    await outbox.send_again(connection, known["id"])
    return Recorded.REPEATED


async def _started(connection: Connection, new: Job) -> None:
    await outbox.emit(connection, new)
    await wake_workers(connection, new.id)


async def is_known(connection: Connection, request_id: str) -> bool:
    """Whether a job was ever made for a request id."""
    return await connection.fetchrow(KNOWN, request_id) is not None


async def tell_invalid(connection: Connection, request_id: str, message: str, now: datetime) -> None:
    """Put a `failed` event without a job into the outbox, for a request that could not be understood."""
    nothing = dict.fromkeys(("processed", "failed", "inserted", "updated", "unchanged", "duplicates"), 0)
    unknown = dict.fromkeys(("dataset", "source_type", "source_identifier", "detail", "total"))
    status = MigrationStatus.model_validate(
        {
            "event_id": uuid4(),
            "sequence": 0,
            "request_id": request_id,
            "job_id": None,
            "status": Status.FAILED,
            "run": 0,
            "attempt": 0,
            "warnings": {},
            "rows_per_second": None,
            "eta_seconds": None,
            "error": EventError(code=ErrorCode.INVALID_REQUEST, message=message),
            "occurred_at": now,
            "started_at": None,
            "completed_at": now,
            **nothing,
            **unknown,
        }
    )
    await outbox.put(connection, status, {})
