"""Jobs that ended long ago, for tests of what is pruned."""

from datetime import timedelta

from consumer.lifecycle import Cancel, Complete, Fail, Transition
from consumer.store import loads, transitions
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.store.session import Session
from schemas.status import Status
from tests.integration.store import tiny
from tests.integration.store.making import change, named, rows, running
from tests.integration.store.tiny import batch, things

DAY = timedelta(days=1)

ENDS: dict[Status, Transition] = {
    Status.COMPLETED: Complete(),
    Status.FAILED: Fail("no_rows", "none"),
    Status.CANCELLED: Cancel(),
}


async def breathe() -> None:
    """No pause, and no end."""


async def ended(
    database: Database, request_id: str = "r-1", status: Status = Status.FAILED, *, days: float = 10
) -> Job:
    """A job that ended so many days ago, all told: two things stored, a row rejected, another refused."""
    job, fence = await running(database, request_id)
    async with database.transaction() as connection:
        await loads.begin(connection, fence, "the file", {"ranges": 1}, {})
        await loads.refuse(connection, fence, {4: "22001"})
    session = await Session.open(database, fence, tiny.MERGE)
    await session.store(batch(things(2, 3), rejected=[4]))
    await session.close()
    async with database.transaction() as connection:
        await loads.set_total(connection, fence, 3)
        await transitions.apply(connection, fence.job_id, fence.token, ENDS[status])
    await age(database, job.id, days)
    return await named(database, request_id)


async def age(database: Database, job_id: int, days: float) -> None:
    """Let a job have ended, and its events be published, so many days ago."""
    ago = timedelta(days=days)
    for statement in (
        "update migration.jobs set completed_at = now() - $2::interval where id = $1",
        "update migration.outbox set published_at = now() - $2::interval where job_id = $1",
    ):
        await change(database, statement, job_id, ago)


async def add_errors(database: Database, job_id: int, count: int) -> None:
    """Many more rejected rows."""
    await change(
        database,
        """insert into migration.migration_errors (job_id, row_number, errors, record)
           select $1, n, '[]', '{}' from generate_series(1001, 1000 + $2::integer) n""",
        job_id,
        count,
    )


async def count(database: Database, table: str, job_id: int) -> int:
    """How many rows of a table belong to a job."""
    found = await rows(database, f"select count(*) from migration.{table} where job_id = $1", job_id)
    return int(found[0][0])


WEIGHED = (
    *("jobs", "outbox", "migration_errors", "refused_rows", "commands", "attempts", "rejected_counts"),
)


async def weigh(database: Database) -> None:
    """Have Postgres note how many rows each transaction deletes from now on, what cascades included."""
    await change(database, "create table migration.weights (transaction xid8, rows bigint)")
    await change(
        database,
        """create function weigh() returns trigger language plpgsql as
           $$ begin insert into migration.weights select pg_current_xact_id(), count(*) from gone;
              return null; end $$""",
    )
    for table in WEIGHED:
        await change(
            database,
            f"""create trigger weigh after delete on migration.{table} referencing old table as gone
                for each statement execute function weigh()""",
        )


async def weights(database: Database) -> list[int]:
    """How many rows each transaction deleted."""
    query = "select sum(rows)::bigint from migration.weights group by transaction"
    return [rows_ for (rows_,) in await rows(database, query)]
