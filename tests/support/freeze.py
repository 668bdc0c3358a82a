"""Freezing a server so that nothing of it answers any more."""

import contextlib
from pathlib import Path

import psutil

from devstack.server import Server
from tests.support.wait import wait_until


def freeze(server: Server) -> None:
    """Pause a server; on return each of its threads has stopped."""
    server.pause()
    wait_until(
        lambda: all(_is_thread_stopped(thread) for thread in _threads(server)), 10, f"{server.pid} to stop"
    )


def _threads(server: Server) -> list[Path]:
    """None on a system without /proc: there the signal alone has to do."""
    return list(Path(f"/proc/{server.pid}/task").glob("*"))


def _is_thread_stopped(thread: Path) -> bool:
    """The state comes after the name, which is in brackets and may hold any character."""
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0] == "T"
    except (FileNotFoundError, ProcessLookupError):
        return True  # ended meanwhile


def freeze_tree(server: Server) -> None:
    """Pause a server and the processes it has begun: those of Postgres answer without their parent."""
    freeze(server)
    for child in _children(server):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.suspend()
    wait_until(lambda: all(map(_is_stopped, _children(server))), 10, "all to stop")


def _is_stopped(process: psutil.Process) -> bool:
    """Stopped, or ended: who would bury it has stopped."""
    try:
        return process.status() in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}
    except psutil.NoSuchProcess:
        return True


def resume_tree(server: Server) -> None:
    """Go on after `freeze_tree`."""
    for child in _children(server):
        with contextlib.suppress(psutil.NoSuchProcess):  # who awakes without a client ends
            child.resume()
    server.resume()


def _children(server: Server) -> list[psutil.Process]:
    return psutil.Process(server.pid).children(recursive=True)
