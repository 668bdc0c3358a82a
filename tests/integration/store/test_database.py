"""The pools: readers do not delay a heartbeat, and every kind of outage is DatabaseUnavailableError."""

import asyncio
import uuid
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from consumer.store import bounded_transaction
from consumer.store.batch_writer import BatchWriter
from consumer.store.connect import DedicatedConnection
from consumer.store.database import CONTROL_CONNECTIONS, READ_CONNECTIONS, Database
from consumer.store.errors import DatabaseUnavailableError, DataRejectedError, QueryError
from consumer.store.listener import listen
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import make_batch, make_things
from tests.support.job_factories import execute, fetch, make_running_job, snapshot
from tests.support.wait import wait_until_async

TERMINATE_BACKENDS = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""

LISTENERS = "select true from pg_stat_activity where datname = current_database() and query like 'LISTEN%'"


async def _terminate_backends(database: Database) -> None:
    connection = await database.data_connection()
    await connection.execute(TERMINATE_BACKENDS)
    await connection.close()


async def test_unreachable_server_is_an_outage() -> None:
    with pytest.raises(DatabaseUnavailableError):
        await Database.open("postgresql://user@127.0.0.1:1/nothing")


async def test_missing_database_is_no_outage(database: Database) -> None:
    with pytest.raises(QueryError):
        await Database.open(database.dsn.rpartition("/")[0] + "/no_such_database")


async def test_login_failure_after_startup_is_an_outage(database: Database) -> None:
    """A changed password or an unavailable directory service: no fault of a job."""
    name = f"guest_{uuid.uuid4().hex}"
    await execute(database, f"create role {name} login superuser password 'guest'")
    parts = urlsplit(database.dsn)
    host = parts.netloc.rpartition("@")[2]
    opened = await Database.open(parts._replace(netloc=f"{name}:guest@{host}").geturl())
    try:
        await execute(database, f"alter role {name} nologin")
        with pytest.raises(DatabaseUnavailableError, match="SQLSTATE 28000"):
            await opened.data_connection()
        with pytest.raises(DatabaseUnavailableError, match="SQLSTATE 28000"):
            await listen(opened.dsn, {"any": print})
        with pytest.raises(QueryError, match="SQLSTATE 28000"):
            await Database.open(opened.dsn)
    finally:
        await opened.close()
        await execute(database, f"drop role {name}")


async def test_connection_terminated_inside_a_call_is_an_outage(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Terminated while a statement is prepared: asyncpg then raises AttributeError."""
    prepare = asyncpg.Connection._get_statement  # type: ignore[attr-defined]

    async def ended(connection: DedicatedConnection, *args: object, **options: object) -> object:
        prepared = await prepare(connection, *args, **options)
        connection.terminate()
        return prepared

    monkeypatch.setattr(asyncpg.Connection, "_get_statement", ended)
    with pytest.raises(DatabaseUnavailableError):
        await fetch(database, "select $1::integer", 1)
    monkeypatch.undo()
    assert await fetch(database, "select 1") == [(1,)]


async def test_attribute_error_of_the_service_is_not_translated(database: Database) -> None:
    nothing: Any = None
    with pytest.raises(AttributeError):
        async with database.transaction():
            nothing.token.not_found_code  # noqa: B018


async def test_invalid_dsn_is_no_outage_and_is_not_quoted(database: Database) -> None:
    with pytest.raises(QueryError, match="DATABASE_URL") as caught:
        await Database.open("postgresql://user:secret@127.0.0.1:1/nothing?sslmode=nonsense")
    assert "secret" not in str(caught.value)


async def test_value_that_asyncpg_cannot_encode_is_no_outage(database: Database) -> None:
    with pytest.raises(DataRejectedError, match="22000"):
        await fetch(database, "select $1::integer", "many")


async def test_connection_that_fails_to_listen_is_closed(database: Database) -> None:
    with pytest.raises(QueryError) as caught:  # keeps the frames, and what they hold, alive
        await listen(database.dsn, {"good": print, "": print})

    async def gone() -> bool:
        return not await fetch(database, LISTENERS)

    await wait_until_async(gone, 10, "the connection to be closed")
    assert caught.value.sqlstate == "42601"


async def test_many_readers_do_not_block_the_control_pool(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as crowd:
        for _ in range(READ_CONNECTIONS):
            await crowd.enter_async_context(database.read_transaction())
        monkeypatch.setattr(bounded_transaction, "ACQUIRE_SECONDS", 0.2)
        with pytest.raises(DatabaseUnavailableError):
            await crowd.enter_async_context(database.read_transaction())
        monkeypatch.undo()
        await execute(database, "select 1")


async def test_many_readers_and_writers_do_not_block_the_ping(database: Database) -> None:
    async with AsyncExitStack() as crowd:
        for _ in range(READ_CONNECTIONS):
            await crowd.enter_async_context(database.read_transaction())
        for _ in range(CONTROL_CONNECTIONS):
            await crowd.enter_async_context(database.transaction())
        await database.ping(1)


async def test_unanswered_ping_is_an_outage(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with database._probe.acquire():
        with pytest.raises(DatabaseUnavailableError, match="no answer from Postgres"):
            await database.ping(0.2)
    await database.ping()


async def test_read_transaction_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseUnavailableError, match="25006"):
        await fetch(database, "insert into words values ('written') returning word")


async def test_terminated_backend_is_an_outage_and_stores_nothing(database: Database) -> None:
    """What asyncpg raises depends on how much it has read: hence several rounds."""
    _, fence = await make_running_job(database)
    for _ in range(12):
        session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
        before = await snapshot(database)
        await _end(database, session)
        with pytest.raises(DatabaseUnavailableError):
            await session.write(make_batch(make_things(2)))
        await session.close()
        assert await snapshot(database) == before


async def _end(database: Database, session: BatchWriter) -> None:
    await execute(database, "select pg_terminate_backend($1)", session._connection.get_server_pid())


async def test_pools_recover_after_all_backends_were_terminated(database: Database) -> None:
    await asyncio.gather(*(execute(database, "select pg_sleep(0.1)") for _ in range(6)))
    await _terminate_backends(database)

    async def works() -> bool:
        try:
            await asyncio.gather(
                *(execute(database, "select 1") for _ in range(8)), fetch(database, "select 1")
            )
        except DatabaseUnavailableError:
            return False
        return True

    await wait_until_async(works, 15, "the pools to work again")
