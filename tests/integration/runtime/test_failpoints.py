"""Failpoints: each one is in the code, each action does what its name says, unarmed ones cost nothing."""

import ast
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from consumer.runtime import failpoints
from consumer.runtime.failpoints import ENABLING_VALUE, FAILPOINTS, InvalidFailpointError
from consumer.settings import SettingsError, load
from tests.support.extractor_driver import make_start_header, start_extractor
from tests.support.wait import wait_until
from tests.support.workbooks import HEADER, data_rows, write_xlsx

ROOT = Path(__file__).parents[3]
MINIMAL_SETTINGS = {"KAFKA_BOOTSTRAP_SERVERS": "k:9092", "DATABASE_URL": "postgresql://u:secret@h/db"}
KILL_AT_SHUTDOWN = "worker.poll=kill; shutdown.started=kill"


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.arm("")


def _failpoint_calls() -> list[tuple[str, str]]:
    """(function, point) of every call in the code; raises ValueError for a point that is no literal."""
    calls = []
    for path in sorted(ROOT.glob("consumer/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            is_failpoint = node.func.attr in ("failpoint", "failpoint_sync")
            if is_failpoint and ast.unparse(node.func.value) == "failpoints":
                calls.append((node.func.attr, ast.literal_eval(node.args[0])))
    return calls


def test_listed_points_are_those_in_the_code() -> None:
    assert {point for _, point in _failpoint_calls()} == set(FAILPOINTS)


def test_action_happens_at_its_hit_only() -> None:
    failpoints.arm("batch.copied=raise@3")
    raised = []
    for _ in range(5):
        try:
            asyncio.run(failpoints.failpoint("batch.copied"))
        except RuntimeError as error:
            raised.append(str(error))
        else:
            raised.append("")
    assert raised == ["", "", "the failpoint batch.copied raised", "", ""]


def test_plus_repeats_the_action_from_its_hit_on() -> None:
    failpoints.arm(" batch.copied = raise@2+ ; batch.merged=block:0.01 ; ")
    failpoints.failpoint_sync("batch.copied")
    for _ in range(3):
        with pytest.raises(RuntimeError, match=r"batch\.copied"):
            failpoints.failpoint_sync("batch.copied")
    failpoints.failpoint_sync("batch.merged")
    failpoints.failpoint_sync("batch.fenced")


async def test_hang_can_be_cancelled() -> None:
    failpoints.arm("heartbeat.before=hang")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await failpoints.failpoint("heartbeat.before")


async def test_block_blocks_the_event_loop() -> None:
    failpoints.arm("worker.poll=block:0.2")
    begun = time.monotonic()
    async with asyncio.timeout(0.1) as limit:
        await failpoints.failpoint("worker.poll")
    assert time.monotonic() - begun >= 0.2
    assert not limit.expired()


def _start_process(spec: str) -> subprocess.Popen[bytes]:
    program = (
        "import asyncio; from consumer.runtime import failpoints; "
        f"failpoints.arm({spec!r}); asyncio.run(failpoints.failpoint('relay.sent')); "
        "print('beyond', flush=True)"
    )
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE)


@pytest.mark.parametrize(("action", "number"), [("kill", signal.SIGKILL), ("abort", signal.SIGABRT)])
def test_killed_process_runs_nothing_after_the_point(action: str, number: int) -> None:
    with _start_process(f"relay.sent={action}") as process:
        output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (-number, b"")


def test_stopped_process_continues_after_sigcont() -> None:
    with _start_process("relay.sent=stop") as process:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        status = psutil.Process(process.pid).status
        wait_until(lambda: status() == psutil.STATUS_STOPPED, 30, "the process to stop")
        assert not process.stdout.read()
        os.set_blocking(process.stdout.fileno(), True)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.read() == b"beyond\n"


def test_extractor_is_armed_by_its_start_frame(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "t.xlsx", [HEADER, *data_rows(50)])
    with start_extractor(make_start_header(path, tmp_path, failpoints="child.chunk=kill@2")) as process:
        kinds = [frame.frame_type.name for frame in process.read_all()]
        assert process.exit_code() == -signal.SIGKILL
    assert kinds.count("BATCH") == 1


def test_armed_spec_is_passed_on() -> None:
    failpoints.arm("child.chunk=kill@2")
    assert failpoints.armed_spec() == "child.chunk=kill@2"
    failpoints.arm("")
    assert failpoints.armed_spec() == ""


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("batch.copy=kill", r"no point batch\.copy; there are .*batch\.copied"),
        ("batch.copied=explode", "no action explode; there are kill"),
        ("batch.copied", "write it like"),
        ("batch.copied=kill@0", "write it like"),
        ("batch.copied=block", "block, and no other action, takes seconds"),
        ("batch.copied=kill:3", "block, and no other action, takes seconds"),
        ("batch.copied=kill;batch.copied=stop", "armed twice"),
    ],
)
def test_invalid_spec_is_quoted_and_arms_nothing(spec: str, message: str) -> None:
    with pytest.raises(SettingsError, match=f"MIGRATION_FAILPOINTS: .*{message}"):
        load(MINIMAL_SETTINGS | failpoints.environment(spec))
    with pytest.raises(InvalidFailpointError):
        failpoints.arm(spec)
    assert failpoints.armed_spec() == ""


@pytest.mark.parametrize("spec", ["", "worker.poll=kill", "no such point"])
@pytest.mark.parametrize("enabled", ["", "yes", ENABLING_VALUE.upper(), f" {ENABLING_VALUE}"])
def test_failpoints_need_the_enabling_value(spec: str, enabled: str) -> None:
    variables = {"MIGRATION_FAILPOINTS": spec, "MIGRATION_FAILPOINTS_ENABLED": enabled}
    settings = load(MINIMAL_SETTINGS | variables)
    assert settings.armed_failpoints() == ""
    assert settings.ignores_failpoints() == bool(spec)


def test_enabling_value_alone_has_no_effect() -> None:
    settings = load(MINIMAL_SETTINGS | {"MIGRATION_FAILPOINTS_ENABLED": ENABLING_VALUE})
    assert settings.armed_failpoints() == ""
    assert not settings.ignores_failpoints()


def test_failpoints_are_not_read_from_files(tmp_path: Path) -> None:
    spec = tmp_path / "spec"
    spec.write_text("worker.poll=kill")
    for path in (spec, tmp_path / "missing"):
        variables = {"MIGRATION_FAILPOINTS_FILE": str(path), "MIGRATION_FAILPOINTS_ENABLED": ENABLING_VALUE}
        assert load(MINIMAL_SETTINGS | variables).armed_failpoints() == ""


def test_both_variables_arm_the_service() -> None:
    settings = load(MINIMAL_SETTINGS | failpoints.environment("worker.poll=kill"))
    assert settings.armed_failpoints() == "worker.poll=kill"
    assert not settings.ignores_failpoints()


def _run_until_stopped(database_url: str, log: Path, variables: dict[str, str]) -> tuple[int, list[object]]:
    """Run the service without Kafka, stop it by SIGTERM; exit code and log lines."""
    environment = os.environ | MINIMAL_SETTINGS | {"DATABASE_URL": database_url} | variables
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    environment |= {"MIGRATION_HTTP_PORT": port, "MIGRATION_LOG_FORMAT": "json"}
    environment |= {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "consumer", "run"], env=environment, stderr=out)
        try:
            wait_until(
                lambda: process.poll() is not None or b"service.started" in log.read_bytes(), 60, "a start"
            )
            time.sleep(1.5)  # longer than a round of the worker
            process.send_signal(signal.SIGTERM)
            code = process.wait(60)
        finally:
            process.kill()
            process.wait()
    lines = [line for line in log.read_text("utf-8").splitlines() if line.startswith("{")]
    return code, [json.loads(line) for line in lines]


def test_stray_variable_only_logs_warning(database_url: str, tmp_path: Path) -> None:
    """The same specification kills the service once both variables are set."""
    stray = {"MIGRATION_FAILPOINTS": KILL_AT_SHUTDOWN}
    code, lines = _run_until_stopped(database_url, tmp_path / "stray.log", stray)
    warnings = [line for line in lines if isinstance(line, dict) and line["event"] == "failpoints.ignored"]
    assert code == 0
    assert len(warnings) == 1
    assert warnings[0]["level"] == "warning"
    assert "MIGRATION_FAILPOINTS is set" in warnings[0]["reason"]
    assert f"MIGRATION_FAILPOINTS_ENABLED={ENABLING_VALUE}" in warnings[0]["reason"]
    armed = failpoints.environment(KILL_AT_SHUTDOWN)
    code, _ = _run_until_stopped(database_url, tmp_path / "armed.log", armed)
    assert code == -signal.SIGKILL


def test_unarmed_point_costs_less_than_a_microsecond() -> None:
    async def many() -> float:
        begun = time.perf_counter()
        for _ in range(20_000):
            await failpoints.failpoint("batch.copied")
        return (time.perf_counter() - begun) / 20_000

    assert min(asyncio.run(many()) for _ in range(5)) < 1e-6
