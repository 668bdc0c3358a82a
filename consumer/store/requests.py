"""Records start requests as jobs: one request id, one job, for ever."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
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


@dataclass(frozen=True, slots=True)
class Asked:
    """A start request under its id, with the trace it belongs to."""

    request_id: str
    request: StartRequest
    traceparent: str | None = None


# Of two with one id the first becomes a job.
RECORD = f"""
insert into migration.jobs (request_id, request_digest, dataset, source_type, source_identifier, source,
  requested_by, run_requested_by, traceparent, timeout_seconds, max_attempts, options, sequence,
  progressed_at)
select request_id, digest, dataset, type, identifier, source, requested_by, requested_by, traceparent,
  timeout_seconds, max_attempts, options, 1, clock_timestamp()
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::text[], $8::text[],
            $9::integer[], $10::integer[], $11::jsonb[]) with ordinality
  as asked(request_id, digest, dataset, type, identifier, source, requested_by, traceparent,
           timeout_seconds, max_attempts, options, place)
order by place
on conflict (request_id) do nothing
returning {COLUMNS}
"""  # noqa: S608 – names of columns, no values

UNDO = "delete from migration.jobs where request_id = any($1::text[])"


async def record(
    connection: Connection, request_id: str, request: StartRequest, limits: Limits, traceparent: str | None
) -> Recorded:
    """Make the job of a request, or say its last event again, or find that the id is somebody else's."""
    [recorded] = await record_all(connection, [Asked(request_id, request, traceparent)], limits)
    return recorded


async def record_all(connection: Connection, asked: Sequence[Asked], limits: Limits) -> list[Recorded]:
    """The same for several requests, in their order; what became of each."""
    new = await _make(connection, asked, limits)
    if new:
        await outbox.emit_all(connection, list(new.values()))
        await wake_workers(connection, next(iter(new.values())).id)
    recorded: dict[int, Recorded] = {}
    for place, one in enumerate(asked):
        # A second one with the same id is answered by the job that the first one made.
        if new.pop(one.request_id, None):
            recorded[place] = Recorded.STARTED
    known = [place for place in range(len(asked)) if place not in recorded]
    answers = await _answer(connection, [asked[place] for place in known]) if known else []
    recorded |= dict(zip(known, answers, strict=True))
    return [recorded[place] for place in range(len(asked))]


async def _make(connection: Connection, asked: Sequence[Asked], limits: Limits) -> dict[str, Job]:
    """The jobs made, by request id; none for a request that has a job already, or had.

    The past is asked behind the insert: it may have waited for a transaction that removed the job before.
    """
    made = {row["request_id"]: job(row) for row in await connection.fetch(RECORD, *_columns(asked, limits))}
    past = await past_requests.find_all(connection, list(made)) if made else {}
    if past:
        await connection.execute(UNDO, list(past))
    return {request_id: one for request_id, one in made.items() if request_id not in past}


def _columns(asked: Sequence[Asked], limits: Limits) -> list[list[Any]]:
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
            one.request.options.timeout_seconds or limits.timeout_seconds,
            one.request.options.max_attempts or limits.max_attempts,
            json.dumps(one.request.options.model_dump(mode="json")),
        )
        for one in asked
    ]
    return [list(column) for column in zip(*rows, strict=True)]


# In the order of ids: two slices that repeat the same requests do not wait for each other.
LOCK_KNOWN = """
select id, request_id, request_digest from migration.jobs where request_id = any($1::text[])
order by id for no key update
"""


async def _answer(connection: Connection, asked: Sequence[Asked]) -> list[Recorded]:
    """Have the last events of known requests sent again, but for those whose body is another one.

    The rows of the jobs are locked: none must be removed before its event is sent. What has no job is looked
    for among the past in a statement behind that.
    """
    found = await connection.fetch(LOCK_KNOWN, list({one.request_id for one in asked}))
    jobs = {row["request_id"]: row for row in found}
    gone = list({one.request_id for one in asked} - jobs.keys())
    past = await past_requests.find_all(connection, gone) if gone else {}
    digests = {request_id: row["request_digest"] for request_id, row in jobs.items()}
    digests |= {request_id: one.digest for request_id, one in past.items()}
    assert digests.keys() >= set(gone), "a job is removed together with the memory of it"  # noqa: S101
    repeated = {one.request_id for one in asked if digests[one.request_id] == one.request.digest()}
    if again := [row["id"] for row in found if row["request_id"] in repeated]:
        await outbox.send_again_locked(connection, again)
    if again_past := repeated & past.keys():
        await past_requests.send_again(connection, again_past)
    return [_recorded(digests, one) for one in asked]


def _recorded(digests: Mapping[str, str], one: Asked) -> Recorded:
    same = digests[one.request_id] == one.request.digest()
    return Recorded.REPEATED if same else Recorded.REUSED


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
