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

from devstack import parent_watchdog
from devstack.accounts import Account
from devstack.errors import PortTakenError, StackError

TAIL_LINES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSpec:
    """What to run, and how it is seen to be ready (by its log so far) and asked to end."""

    name: str
    command: Sequence[str]
    folder: Path
    log: Path
    ready: Callable[[str], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 15.0
    start_timeout: float = 90.0
    remove_folder: bool = False

    def as_json(self) -> str:
        """The form in which the guard takes it."""
        given: dict[str, object] = {
            "command": list(self.command),
            "folder": str(self.folder),
            "log": str(self.log),
            "env": dict(self.env),
            "signal": int(self.stop_signal),
            "patience": self.stop_timeout,
            "remove": self.remove_folder,
        }
        if self.account:
            given |= {"uid": self.account.uid, "gid": self.account.gid}
        return json.dumps(given)


def log_contains(text: str) -> Callable[[str], bool]:
    """Ready when the log holds this text."""
    return lambda log: text in log


class Server:
    """One server; may be started again after it was stopped or killed."""

    def __init__(self, spec: ServerSpec) -> None:
        self.spec = spec
        self.pid = 0
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process is there (it may be paused)."""
        return self._watchdog is not None and self._watchdog.poll() is None

    def start(self) -> None:
        """Start the process and wait until its log says that it is ready."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start the process without waiting for it."""
        self.spec.log.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = self.spec.log.stat().st_size if self.spec.log.exists() else 0
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", str(parent_watchdog.__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        assert self._watchdog.stdin
        assert self._watchdog.stdout
        self._watchdog.stdin.write(self.spec.as_json().encode() + b"\n")
        self.pid = int(self._watchdog.stdout.readline() or 0)

    def wait_until_ready(self) -> None:
        """Return when the log says so; raise StackError with the end of the log when that never comes."""
        deadline = time.monotonic() + self.spec.start_timeout
        while not self.spec.ready(self.log_text()):
            if not self.running:
                raise self._failure("ended before it was ready")
            if time.monotonic() > deadline:
                self.kill()
                raise self._failure(f"was not ready after {self.spec.start_timeout:.0f} seconds")
            time.sleep(0.05)

    def _failure(self, what: str) -> StackError:
        kind = PortTakenError if "Address already in use" in self.log_text() else StackError
        return kind(f"{self.spec.name} {what}. The end of its log, {self.spec.log}:\n{self.log_tail()}\n")

    def log_text(self) -> str:
        """All that was logged since the last start."""
        with contextlib.suppress(FileNotFoundError), self.spec.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")
        return ""

    def log_tail(self) -> str:
        """The last lines logged since the last start, indented."""
        lines = self.log_text().splitlines()[-TAIL_LINES:]
        return "\n".join(f"    {line}" for line in lines or ["(empty)"])

    def stop(self) -> None:
        """Ask the server to end, wait for it; nothing when it is not running."""
        self.request_stop()
        if self._watchdog:
            self._watchdog.wait(self.spec.stop_timeout + 10)

    def request_stop(self) -> None:
        """Ask the server to end without waiting for it."""
        if (
            not (self._watchdog and self._watchdog.stdin and self._watchdog.stdout)
            or self._watchdog.stdin.closed
        ):
            return
        with contextlib.suppress(BrokenPipeError):
            self._watchdog.stdin.write(b"stop\n")
        self._watchdog.stdin.close()
        self._watchdog.stdout.close()

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

    def _signal(self, number: signal.Signals) -> None:
        if self.running and self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
