"""Records start requests as jobs: a request id has one job, for ever."""

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
from schemas.new_fields import dump_used
from schemas.reject_limits import reject_limit_text
from schemas.requests import StartRequest
from schemas.status import ErrorInfo, Status, StatusEvent
from schemas.text import shorten_message


class RecordOutcome(Enum):
    """The outcome of recording a start request."""

    STARTED = auto()
    DUPLICATE = auto()
    ID_REUSED = auto()


@dataclass(frozen=True, slots=True)
class JobDefaults:
    """Limits of a job whose request has none."""

    timeout_seconds: int
    max_attempts: int


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """A start request with its id and trace."""

    request_id: str
    request: StartRequest
    traceparent: str | None = None


# Of two requests with the same id the first becomes a job.
INSERT_JOBS = f"""
insert into migration.jobs (request_id, request_digest, dataset, source_type, source_identifier, source,
  requested_by, run_requested_by, traceparent, timeout_seconds, max_attempts, options, needs, corrects,
  dry_run, all_or_nothing, max_rejected, phase, sequence, last_event_at)
select request_id, digest, dataset, type, identifier, source, requested_by, requested_by, traceparent,
  timeout_seconds, max_attempts, options, string_to_array(needs, ','),
  case when incoming.corrects is not null then coalesce(
    (select jsonb_build_object('request_id', j.request_id, 'corrected', j.rows_corrected,
       'dismissed', j.rows_dismissed, 'open', j.failed - j.rows_corrected - j.rows_dismissed)
     from migration.jobs j where j.request_id = incoming.corrects),
    jsonb_build_object('request_id', incoming.corrects, 'corrected', 0, 'dismissed', 0, 'open', 0)) end,
  dry_run, all_or_nothing, max_rejected, case when dry_run or all_or_nothing then 'check' else 'load' end,
  1, clock_timestamp()
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::text[], $8::text[],
            $9::integer[], $10::integer[], $11::jsonb[], $12::text[], $13::text[], $14::boolean[],
            $15::boolean[], $16::text[]) with ordinality
  as incoming(request_id, digest, dataset, type, identifier, source, requested_by, traceparent,
           timeout_seconds, max_attempts, options, needs, corrects, dry_run, all_or_nothing, max_rejected,
           position)
order by position
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
    """Create the job of a request; for a known id have its last event sent again if the body is the same."""
    [recorded] = await record_all(connection, [IncomingRequest(request_id, request, traceparent)], defaults)
    return recorded


async def record_all(
    connection: Connection, incoming: Sequence[IncomingRequest], defaults: JobDefaults
) -> list[RecordOutcome]:
    """Record several requests in one go; the outcomes are in their order."""
    if not incoming:
        return []
    new = await _insert_jobs(connection, incoming, defaults)
    if new:
        await outbox.emit_all(connection, list(new.values()))
        await notify_workers(connection, next(iter(new.values())).id)
    recorded: dict[int, RecordOutcome] = {}
    for index, request in enumerate(incoming):
        # A second request with the same id is a duplicate of the first.
        if new.pop(request.request_id, None):
            recorded[index] = RecordOutcome.STARTED
    known = [index for index in range(len(incoming)) if index not in recorded]
    outcomes = await _resend_known(connection, [incoming[index] for index in known]) if known else []
    recorded |= dict(zip(known, outcomes, strict=True))
    return [recorded[index] for index in range(len(incoming))]


async def _insert_jobs(
    connection: Connection, incoming: Sequence[IncomingRequest], defaults: JobDefaults
) -> dict[str, Job]:
    """The created jobs by request id; a request that has or had a job creates none.

    Archived requests are read after the insert, which may have waited for the transaction that deleted the
    job.
    """
    created = {
        row["request_id"]: job_from_row(row)
        for row in await connection.fetch(INSERT_JOBS, *_insert_parameters(incoming, defaults))
    }
    archived = await archived_requests.find_all(connection, list(created)) if created else {}
    if archived:
        await connection.execute(DELETE_JOBS, list(archived))
    return {request_id: job for request_id, job in created.items() if request_id not in archived}


def _insert_parameters(incoming: Sequence[IncomingRequest], defaults: JobDefaults) -> list[list[Any]]:
    """The parameters of INSERT_JOBS: one list per column."""
    rows = [
        (
            each.request_id,
            each.request.digest(),
            each.request.dataset,
            each.request.source.type,
            each.request.source.identifier,
            json.dumps(dump_used(each.request.source)),
            each.request.requested_by,
            each.traceparent,
            each.request.options.timeout_seconds or defaults.timeout_seconds,
            each.request.options.max_attempts or defaults.max_attempts,
            json.dumps(dump_used(each.request.options)),
            ",".join(each.request.needs),
            None if each.request.corrects is None else each.request.corrects.request_id,
            each.request.options.dry_run,
            each.request.options.all_or_nothing,
            reject_limit_text(each.request.options.max_rejected),
        )
        for each in incoming
    ]
    return [list(column) for column in zip(*rows, strict=True)]


# In the order of ids, so that two transactions with the same requests do not deadlock.
LOCK_KNOWN = """
select id, request_id, request_digest from migration.jobs where request_id = any($1::text[])
order by id for no key update
"""


async def _resend_known(connection: Connection, incoming: Sequence[IncomingRequest]) -> list[RecordOutcome]:
    """Have the last events of known requests sent again, except for requests with another body.

    The jobs are locked, so that none is deleted before. Ids without a job are looked up among the archived
    requests in a later statement.
    """
    rows = await connection.fetch(LOCK_KNOWN, list({each.request_id for each in incoming}))
    jobs = {row["request_id"]: row for row in rows}
    without_job = list({each.request_id for each in incoming} - jobs.keys())
    archived = await archived_requests.find_all(connection, without_job) if without_job else {}
    digests = {request_id: row["request_digest"] for request_id, row in jobs.items()}
    digests |= {request_id: request.digest for request_id, request in archived.items()}
    assert digests.keys() >= set(without_job), "a request is archived before its job is deleted"  # noqa: S101
    repeated = {each.request_id for each in incoming if digests[each.request_id] == each.request.digest()}
    if job_ids := [row["id"] for row in rows if row["request_id"] in repeated]:
        await outbox.resend_last_events(connection, job_ids)
    if archived_ids := repeated & archived.keys():
        await archived_requests.resend_last_events(connection, archived_ids)
    return [_outcome_of_known(digests, each) for each in incoming]


def _outcome_of_known(digests: Mapping[str, str], incoming: IncomingRequest) -> RecordOutcome:
    same = digests[incoming.request_id] == incoming.request.digest()
    return RecordOutcome.DUPLICATE if same else RecordOutcome.ID_REUSED


KNOWN = """
select exists (select from migration.jobs where request_id = $1)
    or exists (select from migration.archived_requests where request_id = $1)
"""


async def is_known(connection: Connection, request_id: str) -> bool:
    """Whether a job was ever created for a request id."""
    return bool(await connection.fetchval(KNOWN, request_id))


async def emit_invalid_request(connection: Connection, request_id: str, message: str) -> None:
    """Insert a `failed` event without a job, for a request that is invalid."""
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
