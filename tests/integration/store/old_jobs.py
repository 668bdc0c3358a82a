"""Jobs that finished long ago, for tests of pruning."""

from datetime import timedelta

from consumer.lifecycle import Cancel, Complete, Fail, Transition
from consumer.store import database_rejections, job_progress, transitions
from consumer.store.batch_writer import BatchWriter
from consumer.store.database import Database
from consumer.store.jobs import Job
from schemas.status import Status
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import make_batch, make_things
from tests.support.job_factories import execute, fetch, get_job, make_running_job

ONE_DAY = timedelta(days=1)

TERMINAL_TRANSITIONS: dict[Status, Transition] = {
    Status.COMPLETED: Complete(),
    Status.FAILED: Fail("no_rows", "none"),
    Status.CANCELLED: Cancel(),
}


async def no_pause() -> None:
    """Does not pause, and does not stop."""


async def make_ended_job(
    database: Database, request_id: str = "r-1", status: Status = Status.FAILED, *, days: float = 10
) -> Job:
    """A job that finished `days` ago: two things stored, a row rejected by a rule and one by Postgres."""
    job, fence = await make_running_job(database, request_id)
    async with database.transaction() as connection:
        await job_progress.start_load(connection, fence, "the file", {"ranges": 1}, {})
        await database_rejections.record_database_rejections(connection, fence, {4: "22001"})
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    await session.write(make_batch(make_things(2, 3), rejected=[4]))
    await session.close()
    async with database.transaction() as connection:
        await job_progress.set_total(connection, fence, 3)
        await transitions.apply(connection, fence.job_id, fence.token, TERMINAL_TRANSITIONS[status])
    await backdate(database, job.id, days)
    return await get_job(database, request_id)


async def backdate(database: Database, job_id: int, days: float) -> None:
    """Move the end of a job and the publishing of its events to so many days ago."""
    ago = timedelta(days=days)
    for statement in (
        "update migration.jobs set completed_at = now() - $2::interval where id = $1",
        "update migration.outbox set published_at = now() - $2::interval where job_id = $1",
    ):
        await execute(database, statement, job_id, ago)


async def add_errors(database: Database, job_id: int, count: int) -> None:
    """Insert `count` more rejected rows."""
    await execute(
        database,
        """insert into migration.migration_errors (job_id, load, row_number, errors, record)
           select $1, (select load from migration.jobs where id = $1), n, '[]', '{}'
           from generate_series(1001, 1000 + $2::integer) n""",
        job_id,
        count,
    )


async def row_count(database: Database, table: str, job_id: int) -> int:
    """Number of rows of a job in a table."""
    found = await fetch(database, f"select count(*) from migration.{table} where job_id = $1", job_id)
    return int(found[0][0])


COUNTED_TABLES = (
    *("jobs", "outbox", "migration_errors", "database_rejections", "commands", "attempts", "rejected_counts"),
)


async def count_deletes(database: Database) -> None:
    """Have Postgres count the rows that each transaction deletes from now on, cascades included."""
    await execute(database, "create table migration.weights (transaction xid8, rows bigint)")
    await execute(
        database,
        """create function weigh() returns trigger language plpgsql as
           $$ begin insert into migration.weights select pg_current_xact_id(), count(*) from gone;
              return null; end $$""",
    )
    for table in COUNTED_TABLES:
        await execute(
            database,
            f"""create trigger weigh after delete on migration.{table} referencing old table as gone
                for each statement execute function weigh()""",
        )


async def deletes_per_transaction(database: Database) -> list[int]:
    """The number of rows that each transaction deleted."""
    query = "select sum(rows)::bigint from migration.weights group by transaction"
    return [rows_ for (rows_,) in await fetch(database, query)]
