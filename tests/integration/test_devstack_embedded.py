"""Real brokers and a real Postgres on a machine that has neither."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from devstack.stack import Stack, start
from tests.support import roundtrip
from tests.support.wait import until

LIMIT = 90

CALLER = """
import time
from devstack.stack import start
stack = start("embedded")
print(stack.servers[0].order.folder.parent, *(server.pid for server in stack.servers), flush=True)
time.sleep(600)
"""


async def _there_and_back(bootstrap: str, replication: int = 1) -> list[bytes]:
    async with asyncio.timeout(LIMIT):
        topic = await roundtrip.make_topic(bootstrap, replication)
        await roundtrip.send(bootstrap, topic, b"hello")
        return await roundtrip.read(bootstrap, topic, 1)


async def _ask(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_a_record_goes_through_one_broker(own_stack: Stack) -> None:
    assert await _there_and_back(own_stack.bootstrap_servers) == [b"hello"]


async def test_postgres_is_as_the_design_says(own_stack: Stack) -> None:
    url = own_stack.database_url
    assert str(await _ask(url, "show server_version")).startswith("18")
    assert await _ask(url, "show server_encoding") == "UTF8"
    assert await _ask(url, "select datlocale from pg_database where datname = 'postgres'") == "C.UTF-8"
    assert await _ask(url, "show shared_buffers") == "512MB"
    assert await _ask(url, "show max_wal_size") == "4GB"
    assert await _ask(url, "show max_connections") == "200"
    assert await _ask(url, "show fsync") == "on"
    assert await _ask(url, "select upper('чаты')") == "ЧАТЫ"


async def test_postgres_lets_nobody_in_without_the_password(own_stack: Stack) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await _ask(own_stack.database_url.replace("postgres:", "postgres:not", 1), "select 1")


def test_two_stacks_stand_side_by_side(own_stack: Stack) -> None:
    with start("embedded") as other:
        assert set(other.env.values()).isdisjoint(own_stack.env.values())
        for stack in (own_stack, other):
            assert asyncio.run(_there_and_back(stack.bootstrap_servers)) == [b"hello"]
            assert asyncio.run(_ask(stack.database_url, "select 1")) == 1
    assert not any(server.running for server in other.servers)
    assert all(server.running for server in own_stack.servers)


async def test_postgres_comes_back_after_a_kill_with_what_was_committed(own_stack: Stack) -> None:
    assert own_stack.postgres
    await _ask(own_stack.database_url, "create table kept as select 1 as one")
    own_stack.postgres.kill()
    own_stack.postgres.start()
    assert await _ask(own_stack.database_url, "select one from kept") == 1


async def test_a_broker_comes_back_after_a_kill_with_what_was_acknowledged(own_stack: Stack) -> None:
    async with asyncio.timeout(LIMIT):
        topic = await roundtrip.make_topic(own_stack.bootstrap_servers)
        await roundtrip.send(own_stack.bootstrap_servers, topic, b"before")
        own_stack.brokers[0].kill()
        own_stack.brokers[0].start()
        await roundtrip.send(own_stack.bootstrap_servers, topic, b"after")
        assert await roundtrip.read(own_stack.bootstrap_servers, topic, 2) == [b"before", b"after"]


async def test_three_brokers_go_on_when_one_is_lost(own_three_brokers: Stack) -> None:
    bootstrap = own_three_brokers.bootstrap_servers
    async with asyncio.timeout(LIMIT):
        topic = await roundtrip.make_topic(bootstrap, replication=3)
        await roundtrip.send(bootstrap, topic, b"before")
        own_three_brokers.brokers[1].kill()
        await roundtrip.send(bootstrap, topic, b"after")
        assert await roundtrip.read(bootstrap, topic, 2) == [b"before", b"after"]


def test_kill_9_of_the_caller_leaves_no_process_and_no_data_behind() -> None:
    with subprocess.Popen([sys.executable, "-c", CALLER], stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout
        folder, *pids = caller.stdout.readline().split()
        family = psutil.Process(caller.pid).children(recursive=True)
        assert {process.pid for process in family} > {int(pid) for pid in pids}
        caller.kill()
    until(lambda: not any(process.is_running() for process in family), 30, "every process to end")
    until(lambda: not list(Path(folder).glob("*/data")), 10, "the data to be removed")
    assert not (Path(folder) / "postgres").exists()
    assert (Path(folder) / "logs" / "postgres.log").exists()
    shutil.rmtree(folder)
