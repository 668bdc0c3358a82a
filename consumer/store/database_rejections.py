"""Rows that only Postgres rejects: recorded, so that the next attempt stores them as rejected rows."""

from collections.abc import Mapping

from consumer.store.connect import Connection
from consumer.store.leases import FencingToken
from consumer.store.transitions import lock_owned_job

LIST_DATABASE_REJECTIONS = """
select row_number, sqlstate from migration.database_rejections
where job_id = $1 and load = (select load from migration.jobs where id = $1)
"""


async def list_database_rejections(connection: Connection, fence: FencingToken) -> dict[int, str]:
    """Rows of the current load that Postgres rejected: row number → SQLSTATE."""
    return {row[0]: row[1] for row in await connection.fetch(LIST_DATABASE_REJECTIONS, fence.job_id)}


INSERT_DATABASE_REJECTIONS = """
insert into migration.database_rejections (job_id, load, row_number, sqlstate)
select $1, $2, * from unnest($3::bigint[], $4::text[])
"""


async def record_database_rejections(
    connection: Connection, fence: FencingToken, rows: Mapping[int, str]
) -> None:
    """Record rows that Postgres rejected: the next attempt skips them. Raises LeaseLostError."""
    owned = await lock_owned_job(connection, fence)
    await connection.execute(
        INSERT_DATABASE_REJECTIONS, fence.job_id, owned.load, list(rows), list(rows.values())
    )


DELETE_DATABASE_REJECTIONS = """
delete from migration.database_rejections where job_id = $1 and ($2::bigint is null or row_number > $2)
"""


async def clear_database_rejections(connection: Connection, job_id: int, checkpoint: int | None) -> None:
    """Delete database rejections after the checkpoint (all without one), since their reason may be gone.

    The caller must have locked the job's row, and the job must not be running.
    """
    await connection.execute(DELETE_DATABASE_REJECTIONS, job_id, checkpoint)
