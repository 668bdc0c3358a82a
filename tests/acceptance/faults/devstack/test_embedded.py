"""The embedded stack: brokers and Postgres without Java, Docker or installed servers."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from devstack.stack import Stack
from devstack.stack_kinds import start_stack
from tests.support import roundtrip
from tests.support.wait import wait_until

TIMEOUT_SECONDS = 90

CALLER = """
import time
from devstack.stack_kinds import start_stack
stack = start_stack("embedded")
print(stack.servers[0].spec.folder.parent, *(server.pid for server in stack.servers), flush=True)
time.sleep(600)
"""


async def _roundtrip(bootstrap: str, replication: int = 1) -> list[bytes]:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        topic = await roundtrip.make_topic(bootstrap, replication)
        await roundtrip.send_record(bootstrap, topic, b"hello")
        return await roundtrip.read_records(bootstrap, topic, 1)


async def _fetchval(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_record_passes_through_one_broker(dedicated_stack: Stack) -> None:
    assert await _roundtrip(dedicated_stack.bootstrap_servers) == [b"hello"]


async def test_postgres_has_documented_settings(dedicated_stack: Stack) -> None:
    url = dedicated_stack.database_url
    assert str(await _fetchval(url, "show server_version")).startswith("18")
    assert await _fetchval(url, "show server_encoding") == "UTF8"
    assert await _fetchval(url, "select datlocale from pg_database where datname = 'postgres'") == "C.UTF-8"
    assert await _fetchval(url, "show shared_buffers") == "512MB"
    assert await _fetchval(url, "show max_wal_size") == "4GB"
    assert await _fetchval(url, "show max_connections") == "200"
    assert await _fetchval(url, "show fsync") == "on"
    assert await _fetchval(url, "select upper('чаты')") == "ЧАТЫ"


async def test_postgres_requires_password(dedicated_stack: Stack) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await _fetchval(dedicated_stack.database_url.replace("postgres:", "postgres:not", 1), "select 1")


def test_two_stacks_run_concurrently(dedicated_stack: Stack) -> None:
    with start_stack("embedded") as other:
        assert set(other.env.values()).isdisjoint(dedicated_stack.env.values())
        for stack in (dedicated_stack, other):
            assert asyncio.run(_roundtrip(stack.bootstrap_servers)) == [b"hello"]
            assert asyncio.run(_fetchval(stack.database_url, "select 1")) == 1
    assert not any(server.running for server in other.servers)
    assert all(server.running for server in dedicated_stack.servers)


async def test_committed_rows_survive_kill_of_postgres(dedicated_stack: Stack) -> None:
    assert dedicated_stack.postgres
    await _fetchval(dedicated_stack.database_url, "create table survivors as select 1 as number")
    dedicated_stack.postgres.kill()
    dedicated_stack.postgres.start()
    assert await _fetchval(dedicated_stack.database_url, "select number from survivors") == 1


async def test_acknowledged_records_survive_kill_of_broker(dedicated_stack: Stack) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        topic = await roundtrip.make_topic(dedicated_stack.bootstrap_servers)
        await roundtrip.send_record(dedicated_stack.bootstrap_servers, topic, b"before")
        dedicated_stack.brokers[0].kill()
        dedicated_stack.brokers[0].start()
        await roundtrip.send_record(dedicated_stack.bootstrap_servers, topic, b"after")
        assert await roundtrip.read_records(dedicated_stack.bootstrap_servers, topic, 2) == [
            b"before",
            b"after",
        ]


async def test_three_brokers_tolerate_loss_of_one(dedicated_three_brokers: Stack) -> None:
    bootstrap = dedicated_three_brokers.bootstrap_servers
    async with asyncio.timeout(TIMEOUT_SECONDS):
        topic = await roundtrip.make_topic(bootstrap, replication=3)
        await roundtrip.send_record(bootstrap, topic, b"before")
        dedicated_three_brokers.brokers[1].kill()
        await roundtrip.send_record(bootstrap, topic, b"after")
        assert await roundtrip.read_records(bootstrap, topic, 2) == [b"before", b"after"]


def test_sigkill_of_caller_removes_processes_and_data() -> None:
    with subprocess.Popen([sys.executable, "-c", CALLER], stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout
        folder, *pids = caller.stdout.readline().split()
        processes = psutil.Process(caller.pid).children(recursive=True)
        assert {process.pid for process in processes} > {int(pid) for pid in pids}
        caller.kill()
    wait_until(lambda: not any(process.is_running() for process in processes), 30, "every process to end")
    wait_until(lambda: not list(Path(folder).glob("*/data")), 10, "the data to be removed")
    assert not (Path(folder) / "postgres").exists()
    assert (Path(folder) / "logs" / "postgres.log").exists()
    shutil.rmtree(folder)
