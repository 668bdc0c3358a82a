"""Freezing a server so that nothing of it answers any more."""

from pathlib import Path

from devstack.server import Server
from tests.support.wait import until


def freeze(server: Server) -> None:
    """Pause a server; on return each of its threads has stopped, not only been told to."""
    server.pause()
    until(lambda: all(_stopped(thread) for thread in _threads(server)), 10, f"{server.pid} to stop")


def _threads(server: Server) -> list[Path]:
    """None on a system without /proc: there the signal alone has to do."""
    return list(Path(f"/proc/{server.pid}/task").glob("*"))


def _stopped(thread: Path) -> bool:
    """The state comes after the name, which stands in brackets and may hold any character."""
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0] == "T"
    except (FileNotFoundError, ProcessLookupError):
        return True  # ended meanwhile
