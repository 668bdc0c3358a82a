"""Prunes what is older than it is kept: rejected rows of ended jobs, published events, remembered commands.

In small pieces, each a transaction of its own, with a breath in between. Locked rows are passed by, so that
several replicas may prune at once: they divide the work.
"""

from datetime import datetime, timedelta

from consumer.store import ended
from consumer.store.database import Database
from consumer.store.ended import PIECE_ROWS, Breathe

WITH_ERRORS = """
select id from unnest($1::bigint[]) with ordinality as ended(id, place)
where exists (select from migration.migration_errors e where e.job_id = ended.id) order by place
"""


async def prune_errors(database: Database, keep: timedelta, breathe: Breathe) -> int:
    """Delete the rejected rows of jobs that ended longer ago than `keep`; how many."""
    removed = 0

    async def act(job_id: int) -> None:
        nonlocal removed
        await ended.empty(database, job_id, keep, ended.REFUSED_ROWS, breathe)
        removed += await ended.empty(database, job_id, keep, ended.REJECTED_ROWS, breathe)

    await ended.walk(database, keep, WITH_ERRORS, act, breathe)
    return removed


EVENTS_PAGE = """
select id, published_at from migration.outbox
where published_at < now() - $1::interval
  and (published_at, id) > (coalesce($2, '-infinity'::timestamptz), $3::bigint)
order by published_at, id limit $4
"""

PRUNE_EVENTS = """
delete from migration.outbox where id in (
  select o.id from migration.outbox o
  where o.id = any($1::bigint[]) and o.published_at < now() - $2::interval
    and (o.job_id is null or exists (select from migration.outbox newer
                                     where newer.job_id = o.job_id and newer.sequence > o.sequence))
  for update of o skip locked)
"""
"""The last event of a job stays as long as the job: a repeated request is answered with it."""


async def prune_events(database: Database, keep: timedelta, breathe: Breathe) -> int:
    """Delete events that were published longer ago than `keep`, but for the last of each job; how many."""
    removed = 0
    after: tuple[datetime | None, int] = (None, 0)
    while True:
        async with database.transaction() as connection:
            page = await connection.fetch(EVENTS_PAGE, keep, *after, PIECE_ROWS)
            removed += _rows(await connection.execute(PRUNE_EVENTS, [row["id"] for row in page], keep))
        if len(page) < PIECE_ROWS:
            return removed
        after = (page[-1]["published_at"], page[-1]["id"])
        await breathe()


PRUNE_COMMANDS = """
delete from migration.commands where command_id in (
  select command_id from migration.commands
  where created_at < now() - $1::interval order by created_at limit $2 for update skip locked)
"""


async def prune_commands(database: Database, keep: timedelta, breathe: Breathe) -> int:
    """Forget commands that were decided on longer ago than `keep`; how many."""
    total = 0
    while True:
        async with database.transaction() as connection:
            removed = _rows(await connection.execute(PRUNE_COMMANDS, keep, PIECE_ROWS))
        total += removed
        if removed < PIECE_ROWS:
            return total
        await breathe()


def _rows(tag: str) -> int:
    """How many rows a statement says it took: `DELETE 7`."""
    return int(tag.rpartition(" ")[2])
