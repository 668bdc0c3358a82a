"""`migration-consumer` as a command: expected errors are one sentence, and Ctrl-C ends it."""

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

from consumer.http.auth import tokens
from consumer.store.migrate import ADVISORY_LOCK_KEY
from tests.support.wait import wait_until_async

LIMIT = 30.0
"""Timeout in seconds of each wait."""
KAFKA = "127.0.0.1:1"


@asynccontextmanager
async def start_command(*words: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The running command; killed at the end if it still runs."""
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


async def wait_for_exit(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """Exit code, standard output, standard error."""
    async with asyncio.timeout(LIMIT):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def run_command(*words: str, **environment: str) -> tuple[int | None, str, str]:
    async with start_command(*words, **environment) as process:
        return await wait_for_exit(process)


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """A server that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(LIMIT)
        yield server


async def test_migrate_prints_one_line(empty_database_url: str) -> None:
    result = await run_command(
        "migrate", DATABASE_URL=f"{empty_database_url}?application_name=x&connect_timeout=5"
    )
    assert result[:2] == (0, "migration-consumer: the database schema is up to date\n")
    assert "setup plugin" not in result[2]


async def _run_enforce(dsn: str) -> tuple[int | None, str]:
    """Exit code and the last line, which follows those of the log."""
    code, _, err = await run_command("migrate", "--enforce-foreign-keys", DATABASE_URL=dsn)
    assert "Traceback" not in err
    return code, err.splitlines()[-1]


async def test_unenforceable_foreign_keys_print_one_line(database_url: str) -> None:
    async with connected(database_url) as connection:
        if connection.get_server_version() < (18, 0):
            pytest.skip("before PostgreSQL 18 every reference is enforced")
        async with connection.transaction():
            await connection.execute("lock table directory.groups")
            code, sentence = await _run_enforce(f"{database_url}?lock_timeout=100")
            assert code == 2
            assert sentence.endswith("(SQLSTATE 55P03); try again when no load runs")
        await connection.execute("insert into directory.groups (university_id, name) values (7, 'a')")
        code, sentence = await _run_enforce(database_url)
        assert code == 2
        assert "directory.groups.university_id → directory.universities: 1 rows" in sentence


async def test_ctrl_c_ends_waiting_migrate(database_url: str) -> None:
    async with connected(database_url) as connection:
        await connection.execute("select pg_advisory_lock($1)", ADVISORY_LOCK_KEY)
        asks_for_lock = """select true from pg_stat_activity where datname = current_database()
            and pid <> pg_backend_pid() and query like 'select pg_try_advisory_lock(%'"""

        async def is_waiting() -> bool:
            return bool(await connection.fetchval(asks_for_lock))

        async with start_command("migrate", DATABASE_URL=database_url) as process:
            await wait_until_async(is_waiting, LIMIT, "the migration to wait")
            process.send_signal(signal.SIGINT)
            assert await wait_for_exit(process) == (130, "", "")

        async def gone() -> bool:
            return not await is_waiting()

        await wait_until_async(gone, LIMIT, "its session to end")


async def test_ctrl_c_ends_waiting_doctor(silent_server: socket.socket, database_url: str) -> None:
    dsn = f"postgresql://u:p@127.0.0.1:{silent_server.getsockname()[1]}/d?connect_timeout=60"
    connections = json.dumps({"old": dsn})
    async with start_command(
        "doctor", DATABASE_URL=database_url, MIGRATION_CONNECTIONS=connections
    ) as process:
        caller, _ = await asyncio.to_thread(silent_server.accept)
        with caller:
            process.send_signal(signal.SIGINT)
            code, out, err = await wait_for_exit(process)
    assert code == 130
    assert "Postgres: the schema is up to date" in out
    assert "Traceback" not in err


async def test_token_needs_no_settings_and_matches_its_table() -> None:
    code, out, err = await run_command("token", "ivanova", "--rights", "read, act")
    assert (code, err) == (0, "")
    token, empty, table = out.split("\n", 2)
    assert empty == ""
    parsed = tokens.parse_tokens(table).find(token)
    assert parsed is not None
    assert (parsed.name, parsed.rights) == ("ivanova", frozenset({tokens.Right.READ, tokens.Right.ACT}))


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["ivanova"], "--rights"),
        (["ivanova", "--rights", "read,write"], "there are read, rows, act"),
        (["ivanova", "--rights", ""], "read, rows, act"),
        (["a b", "--rights", "read"], "argument NAME: must be 1 to 64"),
    ],
)
async def test_invalid_token_arguments_print_usage_error(words: list[str], named: str) -> None:
    code, out, err = await run_command("token", *words)
    assert (code, out) == (2, "")
    assert named in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"MIGRATION_HTTP_HOST": "0.0.0.0"}, ["MIGRATION_HTTP_TOKENS_FILE", "MIGRATION_HTTP_OPEN=yes"]),
        ({"MIGRATION_HTTP_TOKENS_FILE": "/nowhere/tokens.toml"}, ["/nowhere/tokens.toml cannot be read"]),
        ({"MIGRATION_HTTP_TOKENS_FILE": __file__}, [f"{__file__} is not TOML"]),
    ],
)
async def test_run_rejects_public_host_without_valid_tokens(
    variables: dict[str, str], named: list[str]
) -> None:
    nowhere = "postgresql://u:p@127.0.0.1:1/d"
    code, out, err = await run_command("run", DATABASE_URL=nowhere, MIGRATION_HTTP_PORT="0", **variables)
    assert (code, out) == (2, "")
    sentence = err.splitlines()[-1]
    assert sentence.startswith("migration-consumer: MIGRATION_HTTP_")
    assert all(name in sentence for name in named)


@pytest.mark.parametrize("variables", [{"MIGRATION_HTTP_OPEN": "yes"}, {"MIGRATION_HTTP_HOST": "127.0.0.1"}])
async def test_run_listens_without_tokens_if_allowed(variables: dict[str, str]) -> None:
    nowhere = "postgresql://u:p@127.0.0.1:1/d"
    settings = {"MIGRATION_HTTP_HOST": "0.0.0.0", "DATABASE_URL": nowhere, "MIGRATION_HTTP_PORT": "0"}
    async with start_command("run", **(settings | variables)) as process:
        assert process.stderr is not None
        async with asyncio.timeout(LIMIT):
            line = await process.stderr.readuntil(b"http.listening")
        assert b"Traceback" not in line
        process.send_signal(signal.SIGTERM)
        assert (await wait_for_exit(process))[0] == 0


async def test_migrate_does_not_check_http_settings(empty_database_url: str) -> None:
    code, _, err = await run_command(
        "migrate", DATABASE_URL=empty_database_url, MIGRATION_HTTP_HOST="0.0.0.0"
    )
    assert code == 0, err
