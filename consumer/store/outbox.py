"""The outbox: every change of a job puts its status event here, in the same transaction."""

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
"""A new relay sends the last event of every job of which one was published in this time once more."""


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """An event that waits to be sent; `resend_generation` is which asking for it this is."""

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
  with ordinality as put(job_id, request_id, sequence, event_id, payload, headers, place)
order by place
"""


async def emit(connection: Connection, job: Job) -> None:
    """Put the event of a job as it stands into the outbox; its row must be locked and its sequence new."""
    await emit_all(connection, [job])


async def emit_all(connection: Connection, jobs: Sequence[Job]) -> None:
    """The same for several jobs, in this order and in one statement."""
    headers = [{"traceparent": job.traceparent} if job.traceparent else {} for job in jobs]
    await _insert(connection, [status_event(job, uuid4()) for job in jobs], headers)


async def insert(connection: Connection, status: StatusEvent, headers: dict[str, str]) -> None:
    """Put one event into the outbox and wake the relay at commit."""
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
from (select last.id from unnest($1::bigint[]) as asked(job_id)
      cross join lateral (select id from migration.outbox where job_id = asked.job_id
                          order by sequence desc limit 1) last) latest
where o.id = latest.id
"""


async def resend_last_event(connection: Connection, job_id: int) -> None:
    """Have the last event of a job sent once more, as it was.

    Its row is locked first: an event that is being written now is the last one, and none comes in between.
    """
    await connection.execute(LOCK_JOB, job_id)
    await resend_last_events(connection, [job_id])


async def resend_last_events(connection: Connection, job_ids: Collection[int]) -> None:
    """The same for several jobs whose rows this transaction has locked, in one statement."""
    await connection.execute(RESEND_LAST, list(job_ids))
    await notify_relay(connection)


@dataclass(frozen=True, slots=True)
class ResendCursor:
    """How far `resend_chunk` has come: the last event it looked at, and when the first piece began."""

    published_at: datetime
    id: int
    until: datetime


# $1 minutes, $2 and $3 the event to go on behind, $4 until when events were published, $5 how many are looked
# at. An event that is to be sent again leaves the index that the next piece is found by. What is locked is
# being asked for again by intake.
RESEND_CHUNK = """
with piece as materialized (
  select published_at, id, job_id from migration.outbox
  where published_at is not null
    and (published_at, id) > (coalesce($2, statement_timestamp() - make_interval(mins => $1)), $3)
    and published_at <= coalesce($4, statement_timestamp())
  order by published_at, id limit $5),
latest as materialized (
  select o.id from (select distinct job_id from piece where job_id is not null) jobs
  cross join lateral (select id from migration.outbox where job_id = jobs.job_id
                      order by sequence desc limit 1) last
  join migration.outbox o on o.id = last.id
  where o.published_at is not null
  for no key update of o skip locked),
again as (
  update migration.outbox o set published_at = null, resend_generation = resend_generation + 1
  from latest where o.id = latest.id)
select published_at, id, coalesce($4, statement_timestamp()) as until
from piece order by published_at desc, id desc limit 1
"""


async def resend_chunk(connection: Connection, after: ResendCursor | None, limit: int) -> ResendCursor | None:
    """Have the last event sent again of some jobs of which any was published in the last RESEND_MINUTES.

    Looks at `limit` events. Go on with what is returned; None is the end. What a new relay begins with: the
    one before may have died between a send and its mark, or may have sent an old event behind a newer one.
    """
    place = (None, 0, None) if after is None else (after.published_at, after.id, after.until)
    row = await connection.fetchrow(RESEND_CHUNK, RESEND_MINUTES, *place, limit)
    return None if row is None else ResendCursor(row["published_at"], row["id"], row["until"])


# The size of a payload is known without reading it: what does not fit is left where it is.
FETCH_PENDING = """
select id, request_id, event_id::text, payload, headers, resend_generation, created_at
from (
  select *, sum(octet_length(payload)) over (order by id) - octet_length(payload) as bytes_before
  from (select * from migration.outbox where published_at is null order by id limit $1) heads
) page
where bytes_before < $2 order by id
"""


async def fetch_pending(connection: Connection, limit: int, limit_bytes: int) -> list[OutboxEvent]:
    """The next events to send: up to `limit`, fewer where their payloads together reach `limit_bytes`.

    Of one job they are in order: each was put in while its job was locked.
    """
    rows = await connection.fetch(FETCH_PENDING, limit, limit_bytes)
    return [OutboxEvent(r[0], r[1], r[2], r[3], json.loads(r[4]), r[5], r[6]) for r in rows]


# Times ahead of the clock are left out: set back, it would hide what is published now behind them.
PEEK = """
select (select id from migration.outbox where published_at is null order by id limit 1) as next_id,
       (select max(published_at) from migration.outbox
        where published_at is not null and published_at <= statement_timestamp()) as published_at
"""


async def peek(connection: Connection) -> tuple[int | None, datetime | None]:
    """The id of the next event to send, None where none waits; when the last of those published was.

    Served by one entry of an index each.
    """
    row = await connection.fetchrow(PEEK)
    assert row is not None, "a select without a table has one row"  # noqa: S101
    return row["next_id"], row["published_at"]


# What intake has locked is being asked for again: not waited for, since intake locks in another order.
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
    """Remember what Kafka has acknowledged, while the relay's lease is still ours; whether it is."""
    await connection.execute(
        MARK_PUBLISHED, [e.id for e in sent], [e.resend_generation for e in sent], RELAY_LEASE, token
    )
    return bool(await connection.fetchval(HOLDS_LEASE, RELAY_LEASE, token))


JOB_IDS_OF = (
    "select distinct job_id from migration.outbox where id = any($1) and job_id is not null order by 1"
)


async def job_ids_of(connection: Connection, events: Sequence[OutboxEvent]) -> list[int]:
    """The jobs that some events tell of."""
    return [row[0] for row in await connection.fetch(JOB_IDS_OF, [event.id for event in events])]
