"""A server ends with the process that started it, however that process ends."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from devstack.errors import StackError
from devstack.server import Server, ServerSpec, log_contains
from tests.support.wait import wait_until

SERVER = "import time; print('ready', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('ready', flush=True); time.sleep(600)"
)

CALLER = """
import signal, sys, time
from pathlib import Path
from devstack.server import Server, ServerSpec, log_contains
for ignored in (signal.SIGHUP, signal.SIGINT):  # ignored under nohup, and in the background of some shells
    signal.signal(ignored, signal.SIG_DFL)
folder = Path(sys.argv[1])
server = Server(ServerSpec(name="X", command=[sys.executable, "-c", sys.argv[2]], folder=folder / "home",
                      log=folder / "log", ready=log_contains("ready"), stop_timeout=1, remove_folder=True))
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def server_spec(tmp_path: Path) -> Callable[..., ServerSpec]:
    def make(program: str, **more: object) -> ServerSpec:
        defaults = {
            "name": "The pump",
            "folder": tmp_path,
            "log": tmp_path / "log",
            "ready": log_contains("ready"),
        }
        command = [sys.executable, "-c", program]
        return ServerSpec(**{"command": command, **defaults, **more})  # type: ignore[arg-type]

    return make


@pytest.mark.parametrize("program", [SERVER, STUBBORN])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_server_and_folder_end_with_caller(number: signal.Signals, program: str, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, str(tmp_path), program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with caller:
        assert caller.stdout
        server = int(caller.stdout.readline())
        assert psutil.pid_exists(server)
        caller.send_signal(number)
    wait_until(lambda: not psutil.pid_exists(server), 20, "the server to end")
    wait_until(lambda: not (tmp_path / "home").exists(), 5, "its folder to be removed")


def test_server_ends_with_its_watchdog(server_spec: Callable[..., ServerSpec]) -> None:
    if sys.platform != "linux":
        pytest.skip("needs PR_SET_PDEATHSIG of Linux")
    server = Server(server_spec(SERVER))
    server.start()
    psutil.Process(server.pid).parent().kill()  # type: ignore[union-attr]
    wait_until(lambda: not psutil.pid_exists(server.pid), 10, "the server to end")
    server.stop()


def test_server_can_be_stopped_killed_paused_and_restarted(
    server_spec: Callable[..., ServerSpec],
) -> None:
    server = Server(server_spec(SERVER))
    for end in (server.stop, server.kill):
        server.start()
        assert server.running
        server.pause()
        wait_until(lambda: psutil.Process(server.pid).status() == psutil.STATUS_STOPPED, 5, "the freeze")
        server.resume()
        end()
        assert not server.running
        assert not psutil.pid_exists(server.pid)


def test_paused_server_can_be_stopped(server_spec: Callable[..., ServerSpec]) -> None:
    server = Server(server_spec(SERVER))
    server.start()
    server.pause()
    server.stop()
    assert not psutil.pid_exists(server.pid)


def test_start_failure_shows_server_log(server_spec: Callable[..., ServerSpec]) -> None:
    server = Server(server_spec("print('the disk is full'); raise SystemExit(3)"))
    with pytest.raises(StackError, match=r"(?s)The pump ended before it was ready.*the disk is full"):
        server.start()
    server.stop()


def test_start_timeout_kills_server_and_shows_log(
    server_spec: Callable[..., ServerSpec],
) -> None:
    server = Server(server_spec("", command=["sh", "-c", "echo waiting; exec sleep 600"], start_timeout=1))
    with pytest.raises(StackError, match=r"(?s)The pump was not ready after 1 seconds.*waiting"):
        server.start()
    assert not server.running


def test_missing_program_is_named(server_spec: Callable[..., ServerSpec]) -> None:
    server = Server(server_spec("", command=["/nonexistent/pump"]))
    with pytest.raises(StackError, match="/nonexistent/pump could not be started"):
        server.start()
    server.stop()
