"""The service as a process of its own, as people run it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

READY_TIMEOUT_SECONDS = 180.0
STOP_TIMEOUT_SECONDS = 40.0
COMMAND = (sys.executable, "-m", "consumer")


class BenchmarkError(Exception):
    """Something went wrong that makes measuring pointless; the sentence says what."""


@dataclass(frozen=True, slots=True)
class RunningService:
    """A running service."""

    pid: int
    url: str

    def metrics(self) -> str:
        """The text of its metrics, or nothing where it has none."""
        try:
            with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
                return str(answer.read(), "utf-8")
        except OSError:
            return ""


@contextmanager
def running_service(environment: Mapping[str, str], inbox: Path, log: Path) -> Iterator[RunningService]:
    """Bring the schema up to date, run the service until the block ends; its log goes to a file."""
    log.unlink(missing_ok=True)
    migrate_schema(environment, log)
    process, service = launch({**environment, "MIGRATION_INBOX": str(inbox)}, log)
    try:
        wait_until_ready(service, process, log)
        yield service
    finally:
        stop(process)


def migrate_schema(environment: Mapping[str, str], log: Path) -> None:
    """Make the schema."""
    with log.open("ab") as output:
        command = [*COMMAND, "migrate"]
        own = {**os.environ, **environment}
        if subprocess.run(command, env=own, stdout=output, stderr=output, check=False).returncode:
            raise BenchmarkError(f"the schema could not be brought up to date; the log: {log}")


def launch(environment: Mapping[str, str], log: Path) -> tuple[subprocess.Popen[bytes], RunningService]:
    """Start a service, whose log goes to a file; it is not ready yet."""
    port = _free_port()
    own = {**os.environ, **environment, "MIGRATION_HTTP_HOST": "127.0.0.1", "MIGRATION_HTTP_PORT": str(port)}
    with log.open("ab") as output:
        process = subprocess.Popen([*COMMAND, "run"], env=own, stdout=output, stderr=output)
    return process, RunningService(process.pid, f"http://127.0.0.1:{port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(service: RunningService, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until it is ready; raises BenchmarkError."""
    limit = time.monotonic() + READY_TIMEOUT_SECONDS
    while time.monotonic() < limit:
        if process.poll() is not None:
            raise BenchmarkError(f"the service ended with exit code {process.returncode}; its log: {log}")
        if _ready(service):
            return
        time.sleep(0.1)
    raise BenchmarkError(f"the service was not ready after {READY_TIMEOUT_SECONDS:.0f} s; its log: {log}")


def _ready(service: RunningService) -> bool:
    try:
        with urllib.request.urlopen(f"{service.url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it the polite way, or else the other."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
