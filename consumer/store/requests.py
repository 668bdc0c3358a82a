"""Records start requests as jobs: one request id, one job, for ever."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from uuid import uuid4

from consumer.store import archived_requests, outbox
from consumer.store.connect import Connection
from consumer.store.jobs import JOB_COLUMNS, Job, job_from_row
from consumer.store.transitions import notify_workers
from schemas.codes import ErrorCode
from schemas.requests import StartRequest
from schemas.status import ErrorInfo, Status, StatusEvent
from schemas.text import shorten_message


class RecordOutcome(Enum):
    """What became of a start request."""

    STARTED = auto()
    DUPLICATE = auto()
    ID_REUSED = auto()


@dataclass(frozen=True, slots=True)
class JobDefaults:
    """What a job may take where its request does not say."""

    timeout_seconds: int
    max_attempts: int


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """A start request under its id, with the trace it belongs to."""

    request_id: str
    request: StartRequest
    traceparent: str | None = None


# Of two with one id the first becomes a job.
INSERT_JOBS = f"""
insert into migration.jobs (request_id, request_digest, dataset, source_type, source_identifier, source,
  requested_by, run_requested_by, traceparent, timeout_seconds, max_attempts, options, sequence,
  last_event_at)
select request_id, digest, dataset, type, identifier, source, requested_by, requested_by, traceparent,
  timeout_seconds, max_attempts, options, 1, clock_timestamp()
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::text[], $8::text[],
            $9::integer[], $10::integer[], $11::jsonb[]) with ordinality
  as asked(request_id, digest, dataset, type, identifier, source, requested_by, traceparent,
           timeout_seconds, max_attempts, options, place)
order by place
on conflict (request_id) do nothing
returning {JOB_COLUMNS}
"""  # noqa: S608 – names of columns, no values

DELETE_JOBS = "delete from migration.jobs where request_id = any($1::text[])"


async def record(
    connection: Connection,
    request_id: str,
    request: StartRequest,
    defaults: JobDefaults,
    traceparent: str | None,
) -> RecordOutcome:
    """Make the job of a request, or say its last event again, or find that the id is somebody else's."""
    [recorded] = await record_all(connection, [IncomingRequest(request_id, request, traceparent)], defaults)
    return recorded


async def record_all(
    connection: Connection, incoming: Sequence[IncomingRequest], defaults: JobDefaults
) -> list[RecordOutcome]:
    """The same for several requests, in their order; what became of each."""
    new = await _insert_jobs(connection, incoming, defaults)
    if new:
        await outbox.emit_all(connection, list(new.values()))
        await notify_workers(connection, next(iter(new.values())).id)
    recorded: dict[int, RecordOutcome] = {}
    for place, one in enumerate(incoming):
        # A second one with the same id is answered by the job that the first one made.
        if new.pop(one.request_id, None):
            recorded[place] = RecordOutcome.STARTED
    known = [place for place in range(len(incoming)) if place not in recorded]
    answers = await _resend_known(connection, [incoming[place] for place in known]) if known else []
    recorded |= dict(zip(known, answers, strict=True))
    return [recorded[place] for place in range(len(incoming))]


async def _insert_jobs(
    connection: Connection, incoming: Sequence[IncomingRequest], defaults: JobDefaults
) -> dict[str, Job]:
    """The jobs made, by request id; none for a request that has a job already, or had.

    The past is asked behind the insert: it may have waited for a transaction that removed the job before.
    """
    made = {
        row["request_id"]: job_from_row(row)
        for row in await connection.fetch(INSERT_JOBS, *_insert_parameters(incoming, defaults))
    }
    past = await archived_requests.find_all(connection, list(made)) if made else {}
    if past:
        await connection.execute(DELETE_JOBS, list(past))
    return {request_id: one for request_id, one in made.items() if request_id not in past}


def _insert_parameters(incoming: Sequence[IncomingRequest], defaults: JobDefaults) -> list[list[Any]]:
    """The parameters of RECORD."""
    rows = [
        (
            one.request_id,
            one.request.digest(),
            one.request.dataset,
            one.request.source.type,
            one.request.source.identifier,
            json.dumps(one.request.source.model_dump(mode="json")),
            one.request.requested_by,
            one.traceparent,
            one.request.options.timeout_seconds or defaults.timeout_seconds,
            one.request.options.max_attempts or defaults.max_attempts,
            json.dumps(one.request.options.model_dump(mode="json")),
        )
        for one in incoming
    ]
    return [list(column) for column in zip(*rows, strict=True)]


# In the order of ids: two slices that repeat the same requests do not wait for each other.
LOCK_KNOWN = """
select id, request_id, request_digest from migration.jobs where request_id = any($1::text[])
order by id for no key update
"""


async def _resend_known(connection: Connection, incoming: Sequence[IncomingRequest]) -> list[RecordOutcome]:
    """Have the last events of known requests sent again, but for those whose body is another one.

    The rows of the jobs are locked: none must be removed before its event is sent. What has no job is looked
    for among the past in a statement behind that.
    """
    found = await connection.fetch(LOCK_KNOWN, list({one.request_id for one in incoming}))
    jobs = {row["request_id"]: row for row in found}
    gone = list({one.request_id for one in incoming} - jobs.keys())
    past = await archived_requests.find_all(connection, gone) if gone else {}
    digests = {request_id: row["request_digest"] for request_id, row in jobs.items()}
    digests |= {request_id: one.digest for request_id, one in past.items()}
    assert digests.keys() >= set(gone), "a job is removed together with the memory of it"  # noqa: S101
    repeated = {one.request_id for one in incoming if digests[one.request_id] == one.request.digest()}
    if again := [row["id"] for row in found if row["request_id"] in repeated]:
        await outbox.resend_last_events(connection, again)
    if again_past := repeated & past.keys():
        await archived_requests.resend_last_events(connection, again_past)
    return [_outcome_of_known(digests, one) for one in incoming]


def _outcome_of_known(digests: Mapping[str, str], incoming: IncomingRequest) -> RecordOutcome:
    same = digests[incoming.request_id] == incoming.request.digest()
    return RecordOutcome.DUPLICATE if same else RecordOutcome.ID_REUSED


KNOWN = """
select exists (select from migration.jobs where request_id = $1)
    or exists (select from migration.archived_requests where request_id = $1)
"""


async def is_known(connection: Connection, request_id: str) -> bool:
    """Whether a job was ever made for a request id."""
    return bool(await connection.fetchval(KNOWN, request_id))


async def emit_invalid_request(connection: Connection, request_id: str, message: str) -> None:
    """Put a `failed` event without a job into the outbox, for a request that could not be understood."""
    now = await connection.fetchval("select clock_timestamp()")
    nothing = dict.fromkeys(("processed", "failed", "inserted", "updated", "unchanged", "duplicates"), 0)
    unknown = dict.fromkeys(("dataset", "source_type", "source_identifier", "detail", "total"))
    status = StatusEvent.model_validate(
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
            "error": ErrorInfo(code=ErrorCode.INVALID_REQUEST, message=shorten_message(message)),
            "occurred_at": now,
            "started_at": None,
            "completed_at": now,
            **nothing,
            **unknown,
        }
    )
    await outbox.insert(connection, status, {})
