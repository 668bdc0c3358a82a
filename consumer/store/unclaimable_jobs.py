"""Pending jobs that this replica may not claim, because they need what its version does not know."""

from collections.abc import Collection

from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.jobs import BUMP_SEQUENCE, JOB_COLUMNS, Job, job_from_row
from consumer.store.outbox import emit_all
from consumer.waiting import waiting_for_version
from schemas.new_fields import NEW_FIELDS
from schemas.text import shorten_message

REPORT_AFTER_SECONDS = 30.0
"""A replica that knows the needs claims the job before, unless all its slots are taken."""

LOCK_UNREPORTED = """
select id, array(select unnest(needs) except select unnest($1::text[]) order by 1) as unknown
from migration.jobs
where status = 'pending' and not needs <@ $1::text[]
  and available_at <= statement_timestamp() - make_interval(secs => $2)
  and (detail is null or not starts_with(detail, $3))
order by id limit 100 for update skip locked
"""

SET_DETAILS = f"""
update migration.jobs set detail = new_detail, {BUMP_SEQUENCE}
from unnest($1::bigint[], $2::text[]) as found(job_id, new_detail)
where id = job_id
returning {JOB_COLUMNS}
"""  # noqa: S608 – names of columns, no values


async def report_unclaimable(
    database: Database,
    known_needs: Collection[str] = NEW_FIELDS,
    after_seconds: float = REPORT_AFTER_SECONDS,
) -> list[Job]:
    """Write into the detail of jobs what they wait for, each with a status event; returns up to 100.

    These are jobs with needs beyond `known_needs` that no replica has claimed for `after_seconds`. Every
    replica that does not know a need looks for them, so one is enough; a claim clears the detail.
    """
    async with database.transaction() as connection:
        rows = await connection.fetch(
            LOCK_UNREPORTED, list(known_needs), after_seconds, waiting_for_version([])
        )
        details = {row["id"]: shorten_message(waiting_for_version(row["unknown"])) for row in rows}
        return await _set_details(connection, details) if details else []


async def _set_details(connection: Connection, details: dict[int, str]) -> list[Job]:
    rows = await connection.fetch(SET_DETAILS, list(details), list(details.values()))
    jobs = [job_from_row(row) for row in rows]
    await emit_all(connection, jobs)
    return jobs
