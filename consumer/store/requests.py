"""Records start requests as jobs: one request id, one job, for ever."""

import json
from dataclasses import dataclass
from enum import Enum, auto
from uuid import uuid4

from consumer.store import outbox, past_requests
from consumer.store.connect import Connection
from consumer.store.jobs import COLUMNS, Job, job
from consumer.store.transitions import wake_workers
from schemas.codes import ErrorCode
from schemas.requests import StartRequest
from schemas.status import EventError, MigrationStatus, Status
from schemas.text import shorten_message


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
  requested_by, run_requested_by, traceparent, timeout_seconds, max_attempts, options, sequence,
  progressed_at)
values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11, 1, clock_timestamp())
on conflict (request_id) do nothing
returning {COLUMNS}
"""  # noqa: S608 – names of columns, no values

UNDO = "delete from migration.jobs where id = $1"


async def record(
    connection: Connection, request_id: str, request: StartRequest, limits: Limits, traceparent: str | None
) -> Recorded:
    """Make the job of a request, or say its last event again, or find that the id is somebody else's."""
    new = await _make(connection, request_id, request, limits, traceparent)
    if new is None:
        return await _answer(connection, request_id, request.digest())
    await outbox.emit(connection, new)
    await wake_workers(connection, new.id)
    return Recorded.STARTED


async def _make(
    connection: Connection, request_id: str, request: StartRequest, limits: Limits, traceparent: str | None
) -> Job | None:
    """The job of a request; None where it has one already, or had.

    The past is asked behind the insert: it may have waited for a transaction that removed the job before.
    """
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
        json.dumps(request.options.model_dump(mode="json")),
    )
    if row is None:
        return None
    if await past_requests.find(connection, request_id) is None:
        return job(row)
    await connection.execute(UNDO, row["id"])
    return None


LOCK_KNOWN = "select id, request_digest from migration.jobs where request_id = $1 for no key update"


async def _answer(connection: Connection, request_id: str, digest: str) -> Recorded:
    """Say the last event of a known request again, unless its body is another one.

    The job's row is locked: it must not be removed before its event is sent.
    """
    known = await connection.fetchrow(LOCK_KNOWN, request_id)
    if known is None:
        return await _answer_past(connection, request_id, digest)
    if known["request_digest"] != digest:
        return Recorded.REUSED
    await outbox.send_again(connection, known["id"])
    return Recorded.REPEATED


async def _answer_past(connection: Connection, request_id: str, digest: str) -> Recorded:
    past = await past_requests.find(connection, request_id)
    assert past is not None, "a job is removed together with the memory of it"  # noqa: S101
    if past.digest != digest:
        return Recorded.REUSED
    await past_requests.send_again(connection, request_id)
    return Recorded.REPEATED


KNOWN = """
select exists (select from migration.jobs where request_id = $1)
    or exists (select from migration.past_requests where request_id = $1)
"""


async def is_known(connection: Connection, request_id: str) -> bool:
    """Whether a job was ever made for a request id."""
    return bool(await connection.fetchval(KNOWN, request_id))


async def tell_invalid(connection: Connection, request_id: str, message: str) -> None:
    """Put a `failed` event without a job into the outbox, for a request that could not be understood."""
    now = await connection.fetchval("select clock_timestamp()")
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
            "error": EventError(code=ErrorCode.INVALID_REQUEST, message=shorten_message(message)),
            "occurred_at": now,
            "started_at": None,
            "completed_at": now,
            **nothing,
            **unknown,
        }
    )
    await outbox.put(connection, status, {})
