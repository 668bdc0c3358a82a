"""Requests of deleted jobs: their ids are kept for ever, each with the last event of its job."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from consumer.store.connect import Connection
from consumer.store.outbox import notify_relay


@dataclass(frozen=True, slots=True)
class ArchivedRequest:
    """A request whose job was deleted. `completed_at` is when the job finished."""

    digest: str
    completed_at: datetime


FIND = "select request_digest, completed_at from migration.archived_requests where request_id = $1"


async def find(connection: Connection, request_id: str) -> ArchivedRequest | None:
    """The archived request with this id, or None.

    Call it after the statement that found no job: the request is archived in the transaction that deletes the
    job, so a later statement sees at least one of them.
    """
    row = await connection.fetchrow(FIND, request_id)
    return None if row is None else ArchivedRequest(row["request_digest"], row["completed_at"])


FIND_ALL = """
select request_id, request_digest, completed_at from migration.archived_requests
where request_id = any($1::text[])
"""


async def find_all(connection: Connection, request_ids: Sequence[str]) -> dict[str, ArchivedRequest]:
    """The archived requests among these ids; call it as `find`."""
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
"""Only a job whose last event, published, is its one row elsewhere: the delete cascades to one row."""


async def archive(connection: Connection, job_id: int) -> bool:
    """Archive the request of a job that is about to be deleted; false if the job still has other rows.

    The caller must have locked the job's row, so that no rows are added.
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
    """Have the relay send the last events of deleted jobs again, unchanged."""
    await connection.execute(RESEND_LAST, list(request_ids))
    await notify_relay(connection)
