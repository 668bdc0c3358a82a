"""`migration-consumer` as a person calls it: what goes wrong is a sentence, and Ctrl-C is an end."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from consumer.store.migrate import LOCK_KEY
from tests.support.wait import until_async

LIMIT = 30.0
"""Seconds; nothing here takes longer unless it never comes."""
KAFKA = "127.0.0.1:1"


@asynccontextmanager
async def started(*words: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command, ended whatever happens."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "consumer", *words),
        env=os.environ | {"KAFKA_BOOTSTRAP_SERVERS": KAFKA, "MIGRATION_LOG_FORMAT": "json"} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """Exit code, standard output, standard error."""
    async with asyncio.timeout(LIMIT):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def called(*words: str, **environment: str) -> tuple[int | None, str, str]:
    async with started(*words, **environment) as process:
        return await ended(process)


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        held.settimeout(LIMIT)
        yield held


async def test_migrating_says_one_line(fresh_database: str) -> None:
    told = await called("migrate", DATABASE_URL=f"{fresh_database}?application_name=x&connect_timeout=5")
    assert told[:2] == (0, "migration-consumer: the database schema is up to date\n")
    assert "setup plugin" not in told[2]


async def _enforced(dsn: str) -> tuple[int | None, str]:
    """Exit code and the last line, which follows those of the log."""
    code, _, err = await called("migrate", "--enforce-foreign-keys", DATABASE_URL=dsn)
    assert "Traceback" not in err
    return code, err.splitlines()[-1]


async def test_references_that_cannot_be_enforced_are_a_sentence(database_url: str) -> None:
    async with connected(database_url) as connection:
        if connection.get_server_version() < (18, 0):
            pytest.skip("before PostgreSQL 18 every reference is enforced")
        async with connection.transaction():
            await connection.execute("lock table directory.groups")
            code, sentence = await _enforced(f"{database_url}?lock_timeout=100")
            assert code == 2
            assert sentence.endswith("(SQLSTATE 55P03); try again when no load runs")
        await connection.execute("insert into directory.groups (university_id, name) values (7, 'a')")
        code, sentence = await _enforced(database_url)
        assert code == 2
        assert "directory.groups.university_id → directory.universities: 1 rows" in sentence


async def test_ctrl_c_ends_a_migration_that_waits(database_url: str) -> None:
    async with connected(database_url) as connection:
        await connection.execute("select pg_advisory_lock($1)", LOCK_KEY)
        waiting = "select true from pg_locks where locktype = 'advisory' and not granted and database ="
        of_here = f"{waiting} (select oid from pg_database where datname = current_database())"

        async def waits() -> bool:
            return bool(await connection.fetchval(of_here))

        async with started("migrate", DATABASE_URL=database_url) as process:
            await until_async(waits, LIMIT, "the migration to wait")
            process.send_signal(signal.SIGINT)
            assert await ended(process) == (130, "", "")

        async def gone() -> bool:
            return not await waits()

        await until_async(gone, LIMIT, "its session to end")


async def test_ctrl_c_ends_a_doctor_who_waits(silent: socket.socket, database_url: str) -> None:
    address = f"postgresql://u:p@127.0.0.1:{silent.getsockname()[1]}/d?connect_timeout=60"
    known = json.dumps({"old": address})
    async with started("doctor", DATABASE_URL=database_url, MIGRATION_CONNECTIONS=known) as process:
        caller, _ = await asyncio.to_thread(silent.accept)
        with caller:
            process.send_signal(signal.SIGINT)
            code, out, err = await ended(process)
    assert code == 130
    assert "Postgres: the schema is up to date" in out
    assert "Traceback" not in err
