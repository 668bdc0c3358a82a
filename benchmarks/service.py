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

READY_SECONDS = 180.0
STOP_SECONDS = 40.0
COMMAND = (sys.executable, "-m", "consumer")


class BenchFailed(Exception):
    """Something went wrong that makes measuring pointless; the sentence says what."""


@dataclass(frozen=True, slots=True)
class Service:
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
def running(environment: Mapping[str, str], inbox: Path, log: Path) -> Iterator[Service]:
    """Bring the schema up to date, run the service until the block ends; its log goes to a file."""
    log.unlink(missing_ok=True)
    bring_up_to_date(environment, log)
    process, service = launch({**environment, "MIGRATION_INBOX": str(inbox)}, log)
    try:
        wait_ready(service, process, log)
        yield service
    finally:
        stop(process)


def bring_up_to_date(environment: Mapping[str, str], log: Path) -> None:
    """Make the schema."""
    with log.open("ab") as output:
        command = [*COMMAND, "migrate"]
        own = {**os.environ, **environment}
        if subprocess.run(command, env=own, stdout=output, stderr=output, check=False).returncode:
            raise BenchFailed(f"the schema could not be brought up to date; the log: {log}")


def launch(environment: Mapping[str, str], log: Path) -> tuple[subprocess.Popen[bytes], Service]:
    """Start a service, whose log goes to a file; it is not ready yet."""
    port = _free_port()
    own = {**os.environ, **environment, "MIGRATION_HTTP_HOST": "127.0.0.1", "MIGRATION_HTTP_PORT": str(port)}
    with log.open("ab") as output:
        process = subprocess.Popen([*COMMAND, "run"], env=own, stdout=output, stderr=output)
    return process, Service(process.pid, f"http://127.0.0.1:{port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_ready(service: Service, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until it is ready; raises BenchFailed."""
    limit = time.monotonic() + READY_SECONDS
    while time.monotonic() < limit:
        if process.poll() is not None:
            raise BenchFailed(f"the service ended with exit code {process.returncode}; its log: {log}")
        if _ready(service):
            return
        time.sleep(0.1)
    raise BenchFailed(f"the service was not ready after {READY_SECONDS:.0f} s; its log: {log}")


def _ready(service: Service) -> bool:
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
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
