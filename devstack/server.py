"""A server process under the parent watchdog: it ends with the process that started it, however that ends."""

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
    """What to run, how to recognise from its log that it is ready, and how to stop it. Times are seconds."""

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
        """One line for the standard input of `parent_watchdog`."""
        spec: dict[str, object] = {
            "command": list(self.command),
            "folder": str(self.folder),
            "log": str(self.log),
            "env": dict(self.env),
            "signal": int(self.stop_signal),
            "stop_timeout": self.stop_timeout,
            "remove": self.remove_folder,
        }
        if self.account:
            spec |= {"uid": self.account.uid, "gid": self.account.gid}
        return json.dumps(spec)


def log_contains(text: str) -> Callable[[str], bool]:
    """A `ready` condition: the log contains this text."""
    return lambda log: text in log


class Server:
    """One server; can be started again after it was stopped or killed."""

    def __init__(self, spec: ServerSpec) -> None:
        self.spec = spec
        self.pid = 0
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process exists; it may be paused."""
        return self._watchdog is not None and self._watchdog.poll() is None

    def start(self) -> None:
        """Start the process and wait until it is ready. Raises StackError, PortTakenError."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start the process without waiting until it is ready."""
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
        """Wait until it is ready. Raises StackError with the log when it ends before or takes too long."""
        deadline = time.monotonic() + self.spec.start_timeout
        while not self.spec.ready(self.log_text()):
            if not self.running:
                raise self._failure("ended before it was ready")
            if time.monotonic() > deadline:
                self.kill()
                raise self._failure(f"was not ready after {self.spec.start_timeout:.0f} seconds")
            time.sleep(0.05)

    def _failure(self, problem: str) -> StackError:
        error = PortTakenError if "Address already in use" in self.log_text() else StackError
        return error(f"{self.spec.name} {problem}. The end of its log, {self.spec.log}:\n{self.log_tail()}\n")

    def log_text(self) -> str:
        """The log since the last start."""
        with contextlib.suppress(FileNotFoundError), self.spec.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")
        return ""

    def log_tail(self) -> str:
        """The last lines logged since the last start, indented."""
        lines = self.log_text().splitlines()[-TAIL_LINES:]
        return "\n".join(f"    {line}" for line in lines or ["(empty)"])

    def stop(self) -> None:
        """Stop the server and wait for its end; does nothing when it is not running."""
        self.request_stop()
        if self._watchdog:
            self._watchdog.wait(self.spec.stop_timeout + 10)

    def request_stop(self) -> None:
        """Send the stop signal without waiting for the end."""
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
        """Send SIGKILL and wait for the end."""
        self._signal(signal.SIGKILL)
        self.stop()

    def pause(self) -> None:
        """Send SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self.running and self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
