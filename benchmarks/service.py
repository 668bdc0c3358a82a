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

READY_SECONDS = 60.0
STOP_SECONDS = 40.0


class BenchFailed(Exception):
    """Something went wrong that makes measuring pointless; the sentence says what."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service."""

    pid: int
    http: str

    def metrics(self) -> str:
        """The text of its metrics, or nothing where it has none."""
        try:
            with urllib.request.urlopen(f"{self.http}/metrics", timeout=5) as answer:
                return str(answer.read(), "utf-8")
        except OSError:
            return ""


@contextmanager
def running(environment: Mapping[str, str], inbox: Path, log: Path) -> Iterator[Service]:
    """Bring the schema up to date, run the service until the block ends; its log goes to a file."""
    port = _free_port()
    own = {
        **os.environ,
        **environment,
        "MIGRATION_INBOX": str(inbox),
        "MIGRATION_HTTP_HOST": "127.0.0.1",
        "MIGRATION_HTTP_PORT": str(port),
    }
    command = [sys.executable, "-m", "consumer"]
    with log.open("wb") as output:
        brought = subprocess.run([*command, "migrate"], env=own, stdout=output, stderr=output, check=False)
        if brought.returncode:
            raise BenchFailed(f"the schema could not be brought up to date; the log: {log}")
        process = subprocess.Popen([*command, "run"], env=own, stdout=output, stderr=output)
        try:
            service = Service(process.pid, f"http://127.0.0.1:{port}")
            _wait_ready(service, process, log)
            yield service
        finally:
            _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_ready(service: Service, process: subprocess.Popen[bytes], log: Path) -> None:
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
        with urllib.request.urlopen(f"{service.http}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
