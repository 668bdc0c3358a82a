"""A server process that lives under a guard and therefore never longer than the process that started it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devstack import guard
from devstack.errors import PortTaken, StackError
from devstack.unprivileged import Account

TAIL_LINES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run, and how it is seen to be ready (by its log so far) and asked to end."""

    name: str
    command: Sequence[str]
    folder: Path
    log: Path
    ready: Callable[[str], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 15.0
    start_seconds: float = 90.0
    remove_folder: bool = False

    def as_json(self) -> str:
        """The form in which the guard takes it."""
        given: dict[str, object] = {
            "command": list(self.command),
            "folder": str(self.folder),
            "log": str(self.log),
            "env": dict(self.env),
            "signal": int(self.stop_signal),
            "patience": self.patience,
            "remove": self.remove_folder,
        }
        if self.account:
            given |= {"uid": self.account.uid, "gid": self.account.gid}
        return json.dumps(given)


def says(line: str) -> Callable[[str], bool]:
    """Ready when the log holds this text."""
    return lambda log: line in log


class Server:
    """One server; may be started again after it was stopped or killed."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.pid = 0
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process is there (it may be paused)."""
        return self._guard is not None and self._guard.poll() is None

    def start(self) -> None:
        """Start the process and wait until its log says that it is ready."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start the process without waiting for it."""
        self.order.log.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = self.order.log.stat().st_size if self.order.log.exists() else 0
        self._guard = subprocess.Popen(
            [sys.executable, "-I", str(guard.__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        assert self._guard.stdin
        assert self._guard.stdout
        self._guard.stdin.write(self.order.as_json().encode() + b"\n")
        self.pid = int(self._guard.stdout.readline() or 0)

    def wait_until_ready(self) -> None:
        """Return when the log says so; raise StackError with the end of the log when that never comes."""
        deadline = time.monotonic() + self.order.start_seconds
        while not self.order.ready(self.log_text()):
            if not self.running:
                raise self._failure("ended before it was ready")
            if time.monotonic() > deadline:
                self.kill()
                raise self._failure(f"was not ready after {self.order.start_seconds:.0f} seconds")
            time.sleep(0.05)

    def _failure(self, what: str) -> StackError:
        kind = PortTaken if "Address already in use" in self.log_text() else StackError
        return kind(f"{self.order.name} {what}. The end of its log, {self.order.log}:\n{self.log_tail()}\n")

    def log_text(self) -> str:
        """All that was logged since the last start."""
        with contextlib.suppress(FileNotFoundError), self.order.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")
        return ""

    def log_tail(self) -> str:
        """The last lines logged since the last start, indented."""
        lines = self.log_text().splitlines()[-TAIL_LINES:]
        return "\n".join(f"    {line}" for line in lines or ["(empty)"])

    def stop(self) -> None:
        """Ask the server to end, wait for it; nothing when it is not running."""
        self.begin_stop()
        if self._guard:
            self._guard.wait(self.order.patience + 10)

    def begin_stop(self) -> None:
        """Ask the server to end without waiting for it."""
        if not (self._guard and self._guard.stdin and self._guard.stdout) or self._guard.stdin.closed:
            return
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.write(b"stop\n")
        self._guard.stdin.close()
        self._guard.stdout.close()

    def kill(self) -> None:
        """Kill the server as `kill -9` does and wait for its end."""
        self._signal(signal.SIGKILL)
        self.stop()

    def pause(self) -> None:
        """Freeze the server (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._signal(signal.SIGCONT)

    def _signal(self, what: signal.Signals) -> None:
        if self.running and self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, what)
