"""The stacks `docker` and `external`, and the choice of a stack."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from devstack import ROOT
from devstack.demo import __main__ as demo
from devstack.errors import StackError, StackUnavailableError
from devstack.stack import Stack
from devstack.stack_kinds import choose_stack_kind, start_stack
from tests.support import roundtrip

TIMEOUT_SECONDS = 60
ADDRESSES = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")


async def _assert_works(stack: Stack) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        topic = await roundtrip.make_topic(stack.bootstrap_servers)
        await roundtrip.send_record(stack.bootstrap_servers, topic, b"hello")
        assert await roundtrip.read_records(stack.bootstrap_servers, topic, 1) == [b"hello"]
        connection = await asyncpg.connect(stack.database_url)
        assert await connection.fetchval("select 1") == 1
        await connection.close()


@pytest.fixture(scope="module")
def containers() -> Iterator[Stack]:
    try:
        stack = start_stack("docker")
    except StackUnavailableError as missing:
        pytest.skip(str(missing))
    with stack:
        yield stack


@pytest.mark.filterwarnings("ignore::DeprecationWarning:testcontainers")
async def test_containers_run_kafka_and_postgres(containers: Stack) -> None:
    await _assert_works(containers)


async def test_external_stack_uses_running_servers_and_does_not_stop_them(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ADDRESSES:
        monkeypatch.setenv(name, stack.env[name])
    with start_stack("external") as external:
        assert external.env == {name: stack.env[name] for name in ADDRESSES}
    await _assert_works(stack)


def test_external_stack_names_missing_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ADDRESSES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StackError, match="needs KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL"):
        start_stack("external")


def test_auto_is_external_when_both_addresses_are_set_else_embedded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MIGRATION_STACK", "auto")
    monkeypatch.setenv("DATABASE_URL", "postgresql://x")
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    assert choose_stack_kind() == "embedded"
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "x:9092")
    assert choose_stack_kind() == "external"
    assert choose_stack_kind("docker") == "docker"


def test_unknown_stack_error_lists_known_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATION_STACK", "cloud")
    with pytest.raises(StackError, match=r"no stack 'cloud'.*embedded, docker, external"):
        choose_stack_kind()


@pytest.mark.parametrize("tool", [("devstack.demo", "--rows", "100"), ("benchmarks", "--quick")])
def test_demo_and_benchmarks_read_migration_stack(
    tool: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_STACK", "cloud")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    completed = subprocess.run(
        [sys.executable, "-m", *tool], cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
    )
    assert completed.returncode == 1
    assert "no stack 'cloud'" in completed.stdout + completed.stderr


def test_demo_defaults_to_embedded_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATION_STACK", "")
    for name in ADDRESSES:
        monkeypatch.setenv(name, "production")
    assert demo._parser().parse_args([]).stack == "embedded"
    monkeypatch.setenv("MIGRATION_STACK", "docker")
    assert demo._parser().parse_args([]).stack == "docker"


def test_several_brokers_need_embedded_stack() -> None:
    with pytest.raises(StackError, match="embedded stack only"):
        start_stack("docker", brokers=3)
