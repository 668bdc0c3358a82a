"""`make stack` and `make down`, with a temporary folder."""

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


def test_stack_runs_until_down(devstack: Command, tmp_path: Path) -> None:
    environment = DevEnvironment(tmp_path)
    assert devstack("stack").returncode == 0
    pid = environment.stack.pid()
    assert pid is not None
    assert "running already" in devstack("stack").stdout
    assert environment.stack.pid() == pid
    assert f"stack: running, process {pid}" in devstack("status").stdout

    env = environment.env()
    assert {"KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "MIGRATION_INBOX", "MIGRATION_HTTP_PORT"} <= set(env)
    assert stat.S_IMODE(environment.env_file.stat().st_mode) == 0o600
    assert asyncio.run(_select_one(env["DATABASE_URL"])) == 1

    processes = psutil.Process(pid).children(recursive=True)
    assert devstack("down").returncode == 0
    assert not any(process.is_running() for process in processes)
    assert not environment.env_file.exists()
    assert "stack: was not running" in devstack("down").stdout


def test_stack_ends_with_reason_when_a_server_dies(devstack: Command, tmp_path: Path) -> None:
    environment = DevEnvironment(tmp_path)
    assert devstack("stack").returncode == 0
    pid = environment.stack.pid()
    assert pid is not None
    brokers = [p for p in psutil.Process(pid).children(recursive=True) if "kafka.Kafka" in p.cmdline()]
    brokers[0].kill()
    wait_until(lambda: environment.stack.pid() is None, 30, "the stack to end")
    log = environment.stack.log_file
    wait_until(lambda: "Kafka broker 1 has ended" in log.read_text(), 10, "the reason in the log")
    assert not environment.env_file.exists()


def test_failed_start_prints_reason(devstack: Command) -> None:
    completed = devstack("stack", "--stack", "external")
    assert completed.returncode == 1
    assert "needs KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL" in completed.stderr
    assert "Traceback" not in completed.stderr


def test_process_id_without_lock_is_ignored(tmp_path: Path) -> None:
    daemon = Daemon("stack", tmp_path)
    daemon.lock_file.write_text(f"{os.getpid()}\nready\n")
    assert daemon.pid() is None
    assert daemon.stop() is False


async def _select_one(url: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval("select 1")
    finally:
        await connection.close()
