"""The migration service as a process of its own: for `make up`, the demo, benchmarks and tests."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

from devstack import ROOT
from devstack.errors import StackError
from devstack.ports import free_ports
from devstack.server import Server, ServerSpec
from devstack.waiting import wait_until

READY_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 40.0
"""The service drains within 25 seconds by default and then ends by itself."""
LOG_TAIL_CHARS = 3000
PRODUCTION_HARDENING = {"MIGRATION_INSPECTABLE": "no"}
"""The default of the service: benchmarks measure what runs in production."""


def loopback_settings() -> dict[str, str]:
    """Settings that make the service listen on a free port of the loopback address."""
    [port] = free_ports(1)
    return {"MIGRATION_HTTP_HOST": "127.0.0.1", "MIGRATION_HTTP_PORT": str(port)}


def migrate_schema(env: Mapping[str, str]) -> None:
    """Run `migration-consumer migrate`. Raises StackError with its output when it fails."""
    command = [sys.executable, "-m", "consumer", "migrate"]
    completed = subprocess.run(command, env={**os.environ, **env}, cwd=ROOT, capture_output=True, check=False)
    if completed.returncode != 0:
        output = (completed.stdout + completed.stderr).decode(errors="replace").strip()
        raise StackError(f"The database schema could not be brought up to date: {output}")


def is_ready(url: str) -> bool:
    """Whether `/readyz` of the service at this address responds with 200."""
    try:
        return httpx.get(f"{url}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


class ServiceProcess:
    """One replica, started directly, so that signals and exit codes are its own.

    `log` receives its standard output and error. Other processes may read its memory and environment, unless
    `environment` sets MIGRATION_INSPECTABLE.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        log: Path,
        *,
        name: str = "service",
        module: str = "consumer",
        wrap_command: Callable[[list[str]], list[str]] = list,
    ) -> None:
        """Nothing is started yet.

        Args:
            environment: added to the environment of the caller; names MIGRATION_HTTP_PORT.
            log: file to append to.
            name: names the replica in errors.
            module: run instead of `consumer`, with the argument `run`.
            wrap_command: returns a command that executes the given one in its own process.
        """
        self._wrap_command = wrap_command
        self._environment = {"MIGRATION_INSPECTABLE": "yes", **environment}
        self.log = log
        self.name = name
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id; the service must have been launched."""
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        """Address of its HTTP side."""
        return f"http://127.0.0.1:{self._environment['MIGRATION_HTTP_PORT']}"

    @property
    def running(self) -> bool:
        """Whether the process exists; it may be frozen."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Launch it and wait until it is ready. Raises StackError."""
        return self.launch().wait_until_ready()

    def launch(self) -> Self:
        """Start the process without waiting until it is ready."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._wrap_command([sys.executable, "-m", self._module, "run"]),
                env=os.environ | self._environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self

    def wait_until_ready(self, seconds: float = READY_TIMEOUT_SECONDS) -> Self:
        """Wait until `/readyz` responds with 200. Raises StackError when it ends before or takes longer."""
        wait_until(self._is_ready, seconds, f"{self.name} to be ready; its log: {self.log}")
        return self

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise StackError(f"{self.name} ended with {self._process.returncode}: {self.log_tail()}")
        return is_ready(self.url)

    def signal(self, number: int) -> None:
        """Send a signal to the service, not to its children."""
        os.kill(self.pid, number)

    def wait(self, seconds: float = STOP_TIMEOUT_SECONDS) -> int:
        """Wait for its end and return the exit code, negative after a signal. Raises TimeoutExpired."""
        assert self._process is not None
        return self._process.wait(seconds)

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        if self.running:
            self.signal(signal.SIGKILL)
            self.wait()

    def stop(self) -> None:
        """Send SIGTERM, so that the consumer group does not have to expire its member; kill it when late."""
        if self.running:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.kill()

    def child_pids(self) -> list[int]:
        """Process ids of its extractor processes."""
        import psutil

        try:
            servers = psutil.Process(self.pid).children()
            return [child.pid for server in servers for child in server.children()]
        except psutil.NoSuchProcess:
            return []

    def fork_server_pid(self) -> int | None:
        """Process id of the process that forks its extractors; None while there is none."""
        import psutil

        try:
            return next((child.pid for child in psutil.Process(self.pid).children()), None)
        except psutil.NoSuchProcess:
            return None

    def metrics(self) -> str:
        """The text of `/metrics`; empty when it does not respond within five seconds."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/metrics", timeout=5, trust_env=False).text
        return ""

    def log_lines(self) -> Iterator[dict[str, Any]]:
        """The complete lines of its log that are JSON."""
        for line in self.log.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]:
            if line.startswith("{"):
                yield json.loads(line)

    def log_events(self, event: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        return [line for line in self.log_lines() if line.get("event") == event]

    def log_tail(self) -> str:
        """The end of the log, for messages."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL_CHARS:]


@contextmanager
def running_service(environment: Mapping[str, str], log: Path) -> Iterator[ServiceProcess]:
    """Migrate the schema, start a replica with a new log file, and stop it at the end. Raises StackError."""
    log.unlink(missing_ok=True)
    migrate_schema(environment)
    service = ServiceProcess({**PRODUCTION_HARDENING, **environment, **loopback_settings()}, log)
    try:
        yield service.start()
    finally:
        service.stop()


@contextmanager
def watched_service(env: Mapping[str, str], log: Path) -> Iterator[Server]:
    """Migrate the schema and start the service under a watchdog: it ends with the calling process."""
    migrate_schema(env)
    url = f"http://127.0.0.1:{env['MIGRATION_HTTP_PORT']}"
    spec = ServerSpec(
        name="The service",
        command=[sys.executable, "-m", "consumer", "run"],
        folder=ROOT,
        log=log,
        ready=lambda _: is_ready(url),
        env=env,
        stop_timeout=STOP_TIMEOUT_SECONDS,
    )
    server = Server(spec)
    try:
        server.start()
        yield server
    finally:
        server.stop()
