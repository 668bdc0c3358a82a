"""No server outlives the process that asked for it, however that process ends."""

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
for ignored in (signal.SIGHUP, signal.SIGINT):  # by nohup, or by a shell that puts things in the background
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
        given = {
            "name": "The pump",
            "folder": tmp_path,
            "log": tmp_path / "log",
            "ready": log_contains("ready"),
        }
        command = [sys.executable, "-c", program]
        return ServerSpec(**{"command": command, **given, **more})  # type: ignore[arg-type]

    return make


@pytest.mark.parametrize("program", [SERVER, STUBBORN])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_server_and_its_folder_go_with_the_caller(
    how: signal.Signals, program: str, tmp_path: Path
) -> None:
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
        caller.send_signal(how)
    wait_until(lambda: not psutil.pid_exists(server), 20, "the server to end")
    wait_until(lambda: not (tmp_path / "home").exists(), 5, "its folder to be removed")


def test_a_server_goes_with_its_guard(server_spec: Callable[..., ServerSpec]) -> None:
    if sys.platform != "linux":
        pytest.skip("needs PR_SET_PDEATHSIG of Linux")
    server = Server(server_spec(SERVER))
    server.start()
    psutil.Process(server.pid).parent().kill()  # type: ignore[union-attr]
    wait_until(lambda: not psutil.pid_exists(server.pid), 10, "the server to end")
    server.stop()


def test_a_server_can_be_stopped_killed_frozen_and_started_again(
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


def test_a_frozen_server_can_be_stopped(server_spec: Callable[..., ServerSpec]) -> None:
    server = Server(server_spec(SERVER))
    server.start()
    server.pause()
    server.stop()
    assert not psutil.pid_exists(server.pid)


def test_a_server_that_ends_at_once_shows_the_end_of_its_log(server_spec: Callable[..., ServerSpec]) -> None:
    server = Server(server_spec("print('the disk is full'); raise SystemExit(3)"))
    with pytest.raises(StackError, match=r"(?s)The pump ended before it was ready.*the disk is full"):
        server.start()
    server.stop()


def test_a_server_that_does_not_get_ready_is_ended_and_shows_the_end_of_its_log(
    server_spec: Callable[..., ServerSpec],
) -> None:
    server = Server(server_spec("", command=["sh", "-c", "echo waiting; exec sleep 600"], start_timeout=1))
    with pytest.raises(StackError, match=r"(?s)The pump was not ready after 1 seconds.*waiting"):
        server.start()
    assert not server.running


def test_a_server_that_is_not_there_is_named(server_spec: Callable[..., ServerSpec]) -> None:
    server = Server(server_spec("", command=["/nonexistent/pump"]))
    with pytest.raises(StackError, match="/nonexistent/pump could not be started"):
        server.start()
    server.stop()
