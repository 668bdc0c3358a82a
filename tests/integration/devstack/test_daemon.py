"""What `make stack` and `make down` do, in a folder of their own."""

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from devstack.daemon import Daemon
from devstack.dev_environment import DevEnvironment
from tests.support.wait import wait_until

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def devstack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    for name in ("MIGRATION_STACK", "KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "devstack", "--folder", str(tmp_path), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)

    yield run
    run("down")


def test_a_stack_stays_until_it_is_taken_down(devstack: Command, tmp_path: Path) -> None:
    checkout = DevEnvironment(tmp_path)
    assert devstack("stack").returncode == 0
    pid = checkout.stack.pid()
    assert pid is not None
    assert "running already" in devstack("stack").stdout
    assert checkout.stack.pid() == pid
    assert f"stack: running, process {pid}" in devstack("status").stdout

    env = checkout.env()
    assert {"KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "MIGRATION_INBOX", "MIGRATION_HTTP_PORT"} <= set(env)
    assert stat.S_IMODE(checkout.env_file.stat().st_mode) == 0o600
    assert asyncio.run(_select_one(env["DATABASE_URL"])) == 1

    family = psutil.Process(pid).children(recursive=True)
    assert devstack("down").returncode == 0
    assert not any(process.is_running() for process in family)
    assert not checkout.env_file.exists()
    assert "stack: was not running" in devstack("down").stdout


def test_a_stack_that_loses_a_server_ends_and_says_why(devstack: Command, tmp_path: Path) -> None:
    checkout = DevEnvironment(tmp_path)
    assert devstack("stack").returncode == 0
    pid = checkout.stack.pid()
    assert pid is not None
    brokers = [p for p in psutil.Process(pid).children(recursive=True) if "kafka.Kafka" in p.cmdline()]
    brokers[0].kill()
    wait_until(lambda: checkout.stack.pid() is None, 30, "the stack to end")
    log = checkout.stack.log_file
    wait_until(lambda: "Kafka broker 1 has ended" in log.read_text(), 10, "the reason to be told")
    assert not checkout.env_file.exists()


def test_a_stack_that_cannot_start_says_why(devstack: Command) -> None:
    done = devstack("stack", "--stack", "external")
    assert done.returncode == 1
    assert "needs KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_id_that_nobody_holds_is_not_ours(tmp_path: Path) -> None:
    background = Daemon("stack", tmp_path)
    background.lock_file.write_text(f"{os.getpid()}\nready\n")
    assert background.pid() is None
    assert background.stop() is False


async def _select_one(url: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval("select 1")
    finally:
        await connection.close()
