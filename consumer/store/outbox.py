"""The outbox: every change of a job inserts its status event here, in the same transaction."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from consumer.store.connect import Connection
from consumer.store.jobs import Job, status_event
from consumer.store.leases import RELAY_LEASE
from schemas.status import StatusEvent

OUTBOX_CHANNEL = "migration_outbox"
RESEND_MINUTES = 5
"""A new relay resends the last event of every job with an event published within this time."""


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """An unpublished event; `resend_generation` counts how often a resend was requested."""

    id: int
    request_id: str
    event_id: str
    payload: str
    headers: dict[str, str]
    resend_generation: int
    created_at: datetime


INSERT = """
insert into migration.outbox (job_id, request_id, sequence, event_id, payload, headers)
select job_id, request_id, sequence, event_id, payload, headers
from unnest($1::bigint[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::jsonb[])
  with ordinality as events(job_id, request_id, sequence, event_id, payload, headers, position)
order by position
"""


async def emit(connection: Connection, job: Job) -> None:
    """Insert the event of a job. The caller must have locked its row and incremented its sequence."""
    await emit_all(connection, [job])


async def emit_all(connection: Connection, jobs: Sequence[Job]) -> None:
    """Insert the events of several jobs in this order, in one statement."""
    headers = [{"traceparent": job.traceparent} if job.traceparent else {} for job in jobs]
    await _insert(connection, [status_event(job, uuid4()) for job in jobs], headers)


async def insert(connection: Connection, status: StatusEvent, headers: dict[str, str]) -> None:
    """Insert one event."""
    await _insert(connection, [status], [headers])


async def _insert(
    connection: Connection, events: Sequence[StatusEvent], headers: Sequence[dict[str, str]]
) -> None:
    await connection.execute(
        INSERT,
        [event.job_id for event in events],
        [event.request_id for event in events],
        [event.sequence for event in events],
        [event.event_id for event in events],
        [event.model_dump_json() for event in events],
        [json.dumps(each) for each in headers],
    )
    await notify_relay(connection)


async def notify_relay(connection: Connection) -> None:
    """Wake the relay when this transaction commits."""
    await connection.execute("select pg_notify($1, '')", OUTBOX_CHANNEL)


LOCK_JOB = "select from migration.jobs where id = $1 for no key update"

RESEND_LAST = """
update migration.outbox o set published_at = null, resend_generation = resend_generation + 1
from (select last.id from unnest($1::bigint[]) as requested(job_id)
      cross join lateral (select id from migration.outbox where job_id = requested.job_id
                          order by sequence desc limit 1) last) latest
where o.id = latest.id
"""


async def resend_last_event(connection: Connection, job_id: int) -> None:
    """Have the relay send the last event of a job again, unchanged.

    Locks the job's row first, so that no newer event is being inserted.
    """
    await connection.execute(LOCK_JOB, job_id)
    await resend_last_events(connection, [job_id])


async def resend_last_events(connection: Connection, job_ids: Collection[int]) -> None:
    """Resend the last events of several jobs; the caller must have locked their rows."""
    await connection.execute(RESEND_LAST, list(job_ids))
    await notify_relay(connection)


@dataclass(frozen=True, slots=True)
class ResendCursor:
    """Progress of `resend_chunk`: the last event it scanned, and when the first chunk started."""

    published_at: datetime
    id: int
    until: datetime


# $1 minutes, $2 and $3 the event to continue after, $4 the end of the publishing times, $5 how many are
# scanned. A resent event leaves the index that is scanned. Locked events are skipped: intake is resending
# them.
RESEND_CHUNK = """
with chunk as materialized (
  select published_at, id, job_id from migration.outbox
  where published_at is not null
    and (published_at, id) > (coalesce($2, statement_timestamp() - make_interval(mins => $1)), $3)
    and published_at <= coalesce($4, statement_timestamp())
  order by published_at, id limit $5),
latest as materialized (
  select o.id from (select distinct job_id from chunk where job_id is not null) jobs
  cross join lateral (select id from migration.outbox where job_id = jobs.job_id
                      order by sequence desc limit 1) last
  join migration.outbox o on o.id = last.id
  where o.published_at is not null
  for no key update of o skip locked),
resent as (
  update migration.outbox o set published_at = null, resend_generation = resend_generation + 1
  from latest where o.id = latest.id)
select published_at, id, coalesce($4, statement_timestamp()) as until
from chunk order by published_at desc, id desc limit 1
"""


async def resend_chunk(connection: Connection, after: ResendCursor | None, limit: int) -> ResendCursor | None:
    """Resend the last event of jobs with an event published in the last RESEND_MINUTES; scans `limit` events.

    Continue with the returned cursor; None is the end. A new relay starts with this: the previous one may
    have died between publishing and marking, or may have published a stale event after a newer one.
    """
    cursor = (None, 0, None) if after is None else (after.published_at, after.id, after.until)
    row = await connection.fetchrow(RESEND_CHUNK, RESEND_MINUTES, *cursor, limit)
    return None if row is None else ResendCursor(row["published_at"], row["id"], row["until"])


# octet_length of a stored text needs no detoasting: payloads beyond the limit are not read.
FETCH_PENDING = """
select id, request_id, event_id::text, payload, headers, resend_generation, created_at
from (
  select *, sum(octet_length(payload)) over (order by id) - octet_length(payload) as bytes_before
  from (select * from migration.outbox where published_at is null order by id limit $1) pending
) page
where bytes_before < $2 order by id
"""


async def fetch_pending(connection: Connection, limit: int, limit_bytes: int) -> list[OutboxEvent]:
    """The next unpublished events: up to `limit`, fewer if their payloads reach `limit_bytes` together.

    The events of one job are in order: each was inserted while the job was locked.
    """
    rows = await connection.fetch(FETCH_PENDING, limit, limit_bytes)
    return [OutboxEvent(r[0], r[1], r[2], r[3], json.loads(r[4]), r[5], r[6]) for r in rows]


# Times in the future are ignored: after the clock was set back they would hide the events published now.
PEEK = """
select (select id from migration.outbox where published_at is null order by id limit 1) as next_id,
       (select max(published_at) from migration.outbox
        where published_at is not null and published_at <= statement_timestamp()) as last_published_at
"""


async def peek(connection: Connection) -> tuple[int | None, datetime | None]:
    """The id of the next unpublished event, and when the last event was published; None for none.

    Each reads one index entry.
    """
    row = await connection.fetchrow(PEEK)
    assert row is not None, "a select without a table has one row"  # noqa: S101
    return row["next_id"], row["last_published_at"]


# Events locked by intake are being resent: skipped, since intake locks rows in another order.
MARK_PUBLISHED = """
with sent as materialized (
  select o.id from migration.outbox o
  join unnest($1::bigint[], $2::integer[]) as sent(id, resend_generation)
    on o.id = sent.id and o.resend_generation = sent.resend_generation
  where exists (select from migration.leases where name = $3 and token = $4)
  for no key update of o skip locked)
update migration.outbox o set published_at = clock_timestamp() from sent where o.id = sent.id
"""


HOLDS_LEASE = "select exists (select from migration.leases where name = $1 and token = $2)"


async def mark_published(connection: Connection, sent: Sequence[OutboxEvent], token: int) -> bool:
    """Mark events as published if `token` still holds the relay's lease; returns whether it does."""
    await connection.execute(
        MARK_PUBLISHED, [e.id for e in sent], [e.resend_generation for e in sent], RELAY_LEASE, token
    )
    return bool(await connection.fetchval(HOLDS_LEASE, RELAY_LEASE, token))


JOB_IDS_OF = (
    "select distinct job_id from migration.outbox where id = any($1) and job_id is not null order by 1"
)


async def job_ids_of(connection: Connection, events: Sequence[OutboxEvent]) -> list[int]:
    """Ids of the jobs of these events, ascending."""
    return [row[0] for row in await connection.fetch(JOB_IDS_OF, [event.id for event in events])]
