"""The pools: readers never keep a heartbeat waiting, and an outage is an outage however it shows."""

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
    one = await database.data_connection()
    await one.execute(TERMINATE_BACKENDS)
    await one.close()


async def test_an_address_where_nothing_answers_is_an_outage() -> None:
    with pytest.raises(DatabaseUnavailableError):
        await Database.open("postgresql://nobody@127.0.0.1:1/nothing")


async def test_a_database_that_does_not_exist_is_no_outage(database: Database) -> None:
    with pytest.raises(QueryError):
        await Database.open(database.dsn.rpartition("/")[0] + "/no_such_database")


async def test_being_shut_out_later_is_an_outage(database: Database) -> None:
    """A password that is changed, a directory service that is away: no job is to blame."""
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


async def test_a_connection_ended_between_two_steps_of_a_call_is_an_outage(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time was up just when a statement was prepared: the library then trips over itself."""
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


async def test_a_slip_of_ours_stays_a_slip(database: Database) -> None:
    nothing: Any = None
    with pytest.raises(AttributeError):
        async with database.transaction():
            nothing.token.not_found_code  # noqa: B018


async def test_an_address_that_cannot_be_understood_is_no_outage_and_stays_unsaid(database: Database) -> None:
    with pytest.raises(QueryError, match="DATABASE_URL") as caught:
        await Database.open("postgresql://nobody:secret@127.0.0.1:1/nothing?sslmode=nonsense")
    assert "secret" not in str(caught.value)


async def test_a_value_that_the_driver_cannot_send_is_refused_and_no_outage(database: Database) -> None:
    with pytest.raises(DataRejectedError, match="22000"):
        await fetch(database, "select $1::integer", "many")


async def test_a_listening_connection_that_cannot_listen_is_closed(database: Database) -> None:
    with pytest.raises(QueryError) as caught:  # keeps the frames, and what they hold, alive
        await listen(database.dsn, {"good": print, "": print})

    async def gone() -> bool:
        return not await fetch(database, LISTENERS)

    await wait_until_async(gone, 10, "the connection to be closed")
    assert caught.value.sqlstate == "42601"


async def test_a_crowd_of_readers_does_not_keep_the_service_from_its_work(
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


async def test_a_crowd_of_readers_and_writers_leaves_the_ping_its_connection(database: Database) -> None:
    async with AsyncExitStack() as crowd:
        for _ in range(READ_CONNECTIONS):
            await crowd.enter_async_context(database.read_transaction())
        for _ in range(CONTROL_CONNECTIONS):
            await crowd.enter_async_context(database.transaction())
        await database.ping(1)


async def test_a_ping_that_gets_no_answer_is_an_outage(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database._probe.acquire():
        with pytest.raises(DatabaseUnavailableError, match="no answer from Postgres"):
            await database.ping(0.2)
    await database.ping()


async def test_a_reader_changes_nothing(database: Database) -> None:
    with pytest.raises(DatabaseUnavailableError, match="25006"):
        await fetch(database, "insert into words values ('written') returning word")


async def test_a_session_whose_backend_was_ended_says_outage_and_stores_nothing(database: Database) -> None:
    """What the driver makes of a goodbye depends on how far it has read: hence several rounds."""
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


async def test_after_everybody_was_thrown_out_the_pools_come_back_by_themselves(database: Database) -> None:
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
