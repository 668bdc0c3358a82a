"""Creates jobs in a given state, and reads what the store contains."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from consumer.store import claims, leases, requests
from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.jobs import JOB_COLUMNS, Job, job_from_row
from consumer.store.leases import FencingToken
from consumer.store.requests import JobDefaults, RecordOutcome
from schemas.requests import StartRequest

LIMITS = JobDefaults(timeout_seconds=3600, max_attempts=3)


def make_request(path: str = "chats.xlsx", **more: Any) -> StartRequest:
    """A request to start an import of a workbook in the inbox."""
    source = {"type": "excel", "file": {"path": path}}
    return StartRequest.model_validate({"action": "start", "dataset": "chats", "source": source, **more})


async def record_request(
    database: Database, request_id: str, body: StartRequest | None = None
) -> RecordOutcome:
    """Record a request as intake does, in a transaction of its own."""
    async with database.transaction() as connection:
        return await requests.record(connection, request_id, body or make_request(), LIMITS, None)


async def make_pending_job(database: Database, request_id: str = "r-1", **more: Any) -> Job:
    """A pending job."""
    await record_request(database, request_id, make_request(**more))
    return await get_job(database, request_id)


async def make_running_job(
    database: Database, request_id: str = "r-1", **more: Any
) -> tuple[Job, FencingToken]:
    """A claimed job, with the fencing token of its owner."""
    pending = await make_pending_job(database, request_id, **more)
    claimed = await claims.claim(database, "owner", 60)
    assert claimed is not None
    assert claimed.id == pending.id, "another job waited longer"
    return claimed, fencing_token(claimed)


def fencing_token(owned: Job) -> FencingToken:
    """The fencing token of a running job."""
    assert owned.token is not None
    return FencingToken(owned.id, owned.token)


async def make_taken_over_job(
    database: Database, request_id: str = "r-1"
) -> tuple[FencingToken, FencingToken]:
    """A job after a takeover: fencing tokens of the previous and the current owner."""
    first, old = await make_running_job(database, request_id)
    await expire_lease(database, first.id)
    await claims.rescue(database)
    second = await claims.claim(database, "successor", 60)
    assert second is not None
    return old, fencing_token(second)


async def expire_lease(database: Database, job_id: int) -> None:
    """Expire the lease of a job."""
    await execute(
        database,
        "update migration.leases set expires_at = clock_timestamp() - interval '1 second' where name = $1",
        leases.job_lease_name(job_id),
    )


async def get_job(database: Database, request_id: str) -> Job:
    """The current row of a job, by its request id."""
    async with database.read_transaction() as connection:
        row = await connection.fetchrow(
            f"select {JOB_COLUMNS} from migration.jobs where request_id = $1", request_id
        )
    assert row is not None
    return job_from_row(row)


async def fetch(database: Database, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    async with database.read_transaction() as connection:
        return [tuple(row) for row in await connection.fetch(query, *values)]


@asynccontextmanager
async def rolled_back(database: Database) -> AsyncIterator[Connection]:
    """A transaction that is rolled back after its last statement."""
    with suppress(ZeroDivisionError):
        async with database.transaction() as connection:
            yield connection
            raise ZeroDivisionError


async def execute(database: Database, statement: str, *values: Any) -> None:
    """Run one statement and commit."""
    async with database.transaction() as connection:
        await connection.execute(statement, *values)


async def outbox_events(database: Database, job_id: int) -> list[dict[str, Any]]:
    """The events of a job in the outbox, by id."""
    found = await fetch(
        database, "select payload from migration.outbox where job_id = $1 order by id", job_id
    )
    return [json.loads(payload) for (payload,) in found]


LOCK_WAITERS = """
select true from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock' and query like '%' || $1 || '%'
"""


async def is_waiting_for_lock(database: Database, table: str) -> bool:
    """Whether a statement that contains `table` waits for a lock."""
    return bool(await fetch(database, LOCK_WAITERS, table))


SNAPSHOT = """
select (select json_agg(j order by id) from migration.jobs j)::text,
       (select json_agg(l order by name) from migration.leases l)::text,
       (select json_agg(o order by id) from migration.outbox o)::text,
       (select json_agg(e order by job_id, row_number) from migration.migration_errors e)::text,
       (select json_agg(r order by job_id, row_number) from migration.database_rejections r)::text,
       (select json_agg(a order by job_id, token) from migration.attempts a)::text,
       (select json_agg(c order by job_id, code, field) from migration.rejected_counts c)::text,
       (select json_agg(w order by word) from words w)::text,
       (select json_agg(t order by key) from things t)::text
"""


async def snapshot(database: Database) -> list[tuple[Any, ...]]:
    """All rows of the store, to compare with later."""
    return await fetch(database, SNAPSHOT)


NEAR_WRAPAROUND = """
create function refuse_all() returns trigger language plpgsql as $$
begin
  raise exception 'database is not accepting commands' using errcode = 'program_limit_exceeded';
end $$;
create trigger refuse_all before insert on {table} execute function refuse_all()
"""
"""Makes a table reject all rows as a server near wraparound does."""
