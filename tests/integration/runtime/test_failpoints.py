"""Fault points: each stands in the code, each fault does what it says, and none costs anything unarmed."""

import ast
import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from consumer.runtime import failpoints
from consumer.runtime.failpoints import FAILPOINTS, InvalidFailpointError
from consumer.settings import SettingsError, load
from tests.support.extractor_driver import make_start_header, start_extractor
from tests.support.wait import wait_until
from tests.support.workbooks import HEADER, data_rows, write_xlsx

ROOT = Path(__file__).parents[3]
MINIMAL_SETTINGS = {"KAFKA_BOOTSTRAP_SERVERS": "k:9092", "DATABASE_URL": "postgresql://u:secret@h/db"}


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.arm("")


def _failpoint_calls() -> list[tuple[str, str]]:
    """(function, point) of every call in the code; a point that is no literal shows as such."""
    found = []
    for path in sorted(ROOT.glob("consumer/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in ("reach", "reach_now") and ast.unparse(node.func.value) == "faults":
                found.append((node.func.attr, ast.literal_eval(node.args[0])))
    return found


def test_every_point_of_the_list_is_reached_somewhere_and_no_other() -> None:
    assert {point for _, point in _failpoint_calls()} == set(FAILPOINTS)


def test_a_point_that_is_armed_happens_at_the_time_asked_for() -> None:
    failpoints.arm("batch.copied=raise@3")
    seen = []
    for _ in range(5):
        try:
            asyncio.run(failpoints.failpoint("batch.copied"))
        except RuntimeError as error:
            seen.append(str(error))
        else:
            seen.append("")
    assert seen == ["", "", "the fault armed at batch.copied", "", ""]


def test_a_plus_makes_it_happen_every_time_from_there() -> None:
    failpoints.arm(" batch.copied = raise@2+ ; batch.merged=block:0.01 ; ")
    failpoints.failpoint_sync("batch.copied")
    for _ in range(3):
        with pytest.raises(RuntimeError, match=r"batch\.copied"):
            failpoints.failpoint_sync("batch.copied")
    failpoints.failpoint_sync("batch.merged")
    failpoints.failpoint_sync("batch.fenced")


async def test_what_hangs_can_be_cancelled() -> None:
    failpoints.arm("heartbeat.before=hang")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await failpoints.failpoint("heartbeat.before")


async def test_what_blocks_blocks_the_loop() -> None:
    failpoints.arm("worker.poll=block:0.2")
    begun = time.monotonic()
    async with asyncio.timeout(0.1) as limit:
        await failpoints.failpoint("worker.poll")
    assert time.monotonic() - begun >= 0.2
    assert not limit.expired()


def _start_process(text: str) -> subprocess.Popen[bytes]:
    program = (
        "import asyncio; from consumer import faults; "
        f"faults.arm({text!r}); asyncio.run(faults.reach('relay.sent')); print('beyond', flush=True)"
    )
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE)


@pytest.mark.parametrize(("kind", "number"), [("kill", signal.SIGKILL), ("abort", signal.SIGABRT)])
def test_a_killed_process_goes_no_step_beyond(kind: str, number: int) -> None:
    with _start_process(f"relay.sent={kind}") as process:
        said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (-number, b"")


def test_a_stopped_process_stands_at_its_point_until_it_is_woken() -> None:
    with _start_process("relay.sent=stop") as process:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        status = psutil.Process(process.pid).status
        wait_until(lambda: status() == psutil.STATUS_STOPPED, 30, "the process to stop")
        assert not process.stdout.read()
        os.set_blocking(process.stdout.fileno(), True)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.read() == b"beyond\n"


def test_a_child_is_armed_by_its_orders(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "t.xlsx", [HEADER, *data_rows(50)])
    with start_extractor(make_start_header(path, tmp_path, failpoints="child.chunk=kill@2")) as process:
        kinds = [frame.frame_type.name for frame in process.read_all()]
        assert process.exit_code() == -signal.SIGKILL
    assert kinds.count("BATCH") == 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("batch.copy=kill", r"no point batch\.copy; there are .*batch\.copied"),
        ("batch.copied=explode", "no fault explode; there are kill"),
        ("batch.copied", "write it like"),
        ("batch.copied=kill@0", "write it like"),
        ("batch.copied=block", "block, and nothing else, takes seconds"),
        ("batch.copied=kill:3", "block, and nothing else, takes seconds"),
        ("batch.copied=kill;batch.copied=stop", "armed twice"),
    ],
)
def test_a_wrong_value_names_itself_and_nothing_is_armed(text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=f"MIGRATION_FAILPOINTS: .*{named}"):
        load(MINIMAL_SETTINGS | {"MIGRATION_FAILPOINTS": text})
    with pytest.raises(InvalidFailpointError):
        failpoints.arm(text)
    assert failpoints.armed_spec() == ""


def test_a_point_that_is_not_armed_costs_less_than_a_microsecond() -> None:
    async def many() -> float:
        begun = time.perf_counter()
        for _ in range(20_000):
            await failpoints.failpoint("batch.copied")
        return (time.perf_counter() - begun) / 20_000

    assert min(asyncio.run(many()) for _ in range(5)) < 1e-6
