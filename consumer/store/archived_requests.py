"""Requests whose jobs were removed: their ids stay known for ever, each with the last event of its job."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from consumer.store.connect import Connection
from consumer.store.outbox import notify_relay


@dataclass(frozen=True, slots=True)
class ArchivedRequest:
    """What is left of a request. `completed_at` is when its job ended."""

    digest: str
    completed_at: datetime


FIND = "select request_digest, completed_at from migration.archived_requests where request_id = $1"


async def find(connection: Connection, request_id: str) -> ArchivedRequest | None:
    """The request of a job that was removed.

    To be asked in a statement behind the one that found no job: a removal writes here in the transaction
    that deletes the job, so whoever no longer sees the one sees the other.
    """
    row = await connection.fetchrow(FIND, request_id)
    return None if row is None else ArchivedRequest(row["request_digest"], row["completed_at"])


FIND_ALL = """
select request_id, request_digest, completed_at from migration.archived_requests
where request_id = any($1::text[])
"""


async def find_all(connection: Connection, request_ids: Sequence[str]) -> dict[str, ArchivedRequest]:
    """Those of some request ids whose job was removed; asked as `find` is."""
    rows = await connection.fetch(FIND_ALL, request_ids)
    return {row["request_id"]: ArchivedRequest(row["request_digest"], row["completed_at"]) for row in rows}


ARCHIVE = """
insert into migration.archived_requests (request_id, request_digest, job_id, completed_at,
  event_id, sequence, payload, headers, event_created_at)
select j.request_id, j.request_digest, j.id, j.completed_at,
  o.event_id, o.sequence, o.payload, o.headers, o.created_at
from migration.jobs j join migration.outbox o on o.job_id = j.id and o.sequence = j.sequence
where j.id = $1 and j.completed_at is not null and o.published_at is not null
  and not exists (select from migration.outbox other where other.job_id = j.id and other.id <> o.id)
  and not exists (select from migration.migration_errors e where e.job_id = j.id)
  and not exists (select from migration.database_rejections r where r.job_id = j.id)
  and not exists (select from migration.rejected_counts c where c.job_id = j.id)
  and not exists (select from migration.attempts a where a.job_id = j.id)
on conflict do nothing
returning true
"""
"""Only a job on which nothing hangs but its last event, published: deleting it takes two rows along."""


async def archive(connection: Connection, job_id: int) -> bool:
    """Write down the request of a job that is about to be deleted; false where that must not be yet.

    Its row must be locked: nothing can then be added to it or asked of it.
    """
    return bool(await connection.fetchval(ARCHIVE, job_id))


RESEND_LAST = """
insert into migration.outbox as o
  (request_id, sequence, event_id, payload, headers, created_at, resend_generation)
select request_id, sequence, event_id, payload, headers, event_created_at, 1
from migration.archived_requests where request_id = any($1::text[]) order by request_id
on conflict (event_id) do update
  set published_at = null, resend_generation = o.resend_generation + 1
"""


async def resend_last_events(connection: Connection, request_ids: Collection[str]) -> None:
    """Have the last events of removed jobs sent once more, as they were."""
    await connection.execute(RESEND_LAST, list(request_ids))
    await notify_relay(connection)
