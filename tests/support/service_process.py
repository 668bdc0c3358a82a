"""The service as a real process, for tests that start it, kill it and look at what it logged."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.support.wait import wait_until

READY_SECONDS = 60


class ServiceProcess:
    """One replica. Its log lines are JSON in `log`."""

    def __init__(
        self,
        environment: Mapping[str, str],
        log: Path,
        *,
        name: str = "service",
        module: str = "consumer",
        wrap_command: Callable[[list[str]], list[str]] = list,
    ) -> None:
        """`within` puts the command into another one that becomes it."""
        self._wrap_command = wrap_command
        self._environment = {"MIGRATION_INSPECTABLE": "yes", **environment}
        self.log = log
        self.name = name
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._environment['MIGRATION_HTTP_PORT']}"

    def start(self) -> "ServiceProcess":
        """Start it and wait until it is ready."""
        return self.launch().wait_until_ready()

    def launch(self) -> "ServiceProcess":
        """Start it; it may not become ready for long."""
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._wrap_command([sys.executable, "-m", self._module, "run"]),
                env=os.environ | self._environment,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        return self

    def wait_until_ready(self) -> "ServiceProcess":
        """Wait until it is ready."""
        wait_until(self._ready, READY_SECONDS, f"{self.name} to be ready; its log: {self.log}")
        return self

    def _ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self._process.returncode}: {self.log_tail()}")
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def running(self) -> bool:
        """Whether the process is there; it may be frozen."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal to the service alone, not to its children."""
        os.kill(self.pid, number)

    def wait(self, seconds: float = 40) -> int:
        """Its exit code."""
        assert self._process is not None
        return self._process.wait(seconds)

    def kill(self) -> None:
        """kill -9, and make sure that it is gone."""
        if self.running:
            self.signal(signal.SIGKILL)
            self.wait()

    def stop(self) -> None:
        """End it the polite way, so that the next one need not wait for its membership to expire."""
        if self.running:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.kill()

    def child_pids(self) -> list[int]:
        """Process ids of the extracting children."""
        try:
            return [child.pid for child in psutil.Process(self.pid).children()]
        except psutil.NoSuchProcess:
            return []

    def log_lines(self) -> Iterator[dict[str, Any]]:
        """Its log, line by line; what is no JSON is left out, and a line that is being written."""
        for line in self.log.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]:
            if line.startswith("{"):
                yield json.loads(line)

    def log_events(self, event: str) -> list[dict[str, Any]]:
        """All log lines of one event."""
        return [line for line in self.log_lines() if line.get("event") == event]

    def log_tail(self) -> str:
        """The end of the log, for messages."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]
