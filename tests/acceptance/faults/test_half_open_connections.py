"""A replica with few files under 1,100 half-open connections works, answers its probes, and logs little."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest

from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from schemas.status import Status
from tests.support.harness import Harness
from tests.support.wait import wait_until

OPEN_FILE_LIMIT = 512
HALF_OPEN = 1_100
ATTACK_SECONDS = 25.0
LOG_BYTES = 200_000


def limit_open_files(command: list[str]) -> list[str]:
    """The soft limit is lower still: the service raises it as far as it may."""
    return ["sh", "-c", f'ulimit -Sn 200 && ulimit -Hn {OPEN_FILE_LIMIT} && exec "$@"', "sh", *command]


class HalfOpenAttack:
    """Connections that begin a request and never end it; with `persist` those closed are opened again."""

    def __init__(self, port: int, *, persist: bool) -> None:
        self._port = port
        self._persist = persist
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.opened = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        held: list[socket.socket] = []
        while not self._stop.wait(0.5):
            held = [connection for connection in held if _is_open(connection)]
            if self._persist or not self.opened:
                held += [self._open() for _ in range(HALF_OPEN - len(held))]
        for connection in held:
            connection.close()

    def _open(self) -> socket.socket:
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(("127.0.0.1", self._port))
        self.opened += 1
        return connection


def _is_open(connection: socket.socket) -> bool:
    try:
        alive = connection.send(b"G") == 1 and connection.recv(65_536) != b""
    except BlockingIOError:
        return True
    except OSError:
        alive = False
    if not alive:
        connection.close()
    return alive


@contextmanager
def under_attack(service: ServiceProcess, *, persist: bool) -> Iterator[None]:
    attack = HalfOpenAttack(int(service.url.rpartition(":")[2]), persist=persist)
    attack.start()
    try:
        wait_until(lambda: attack.opened >= HALF_OPEN, 30, "the attack to begin")
        yield
    finally:
        attack.stop()


@pytest.fixture
def service(harness: Harness) -> Iterator[ServiceProcess]:
    replica = ServiceProcess(
        harness.environment(), harness.folder / "few-files.log", wrap_command=limit_open_files
    )
    yield replica.start()
    replica.stop()


def _probe(url: str) -> int:
    try:
        return httpx.get(f"{url}/readyz", timeout=5, trust_env=False).status_code
    except httpx.HTTPError:
        return 0


def _probes(service: ServiceProcess, seconds: float) -> list[int]:
    """What `/readyz` answers for so long, a few times a second."""
    end, found = time.monotonic() + seconds, []
    while time.monotonic() < end:
        found.append(_probe(service.url))
        time.sleep(0.25)
    return found


def _is_job_done(harness: Harness) -> bool:
    request_id = harness.kafka.start_excel("some.xlsx")
    return harness.kafka.wait_for_terminal_event(request_id).status is Status.COMPLETED


def test_jobs_and_probes_work_under_half_open_connections(harness: Harness, service: ServiceProcess) -> None:
    make_workbook(harness.inbox / "some.xlsx", rows=20_000, seed=1)
    assert psutil.Process(service.pid).rlimit(psutil.RLIMIT_NOFILE) == (OPEN_FILE_LIMIT, OPEN_FILE_LIMIT)
    with under_attack(service, persist=False):
        wait_until(lambda: _probe(service.url) == 200, 5, "the first probe to be answered")
        assert _is_job_done(harness)
        assert set(_probes(service, 5)) == {200}
    with under_attack(service, persist=True):
        probes = _probes(service, ATTACK_SECONDS / 2)
        assert _is_job_done(harness)
        probes += _probes(service, ATTACK_SECONDS / 2)
    assert probes.count(200) > len(probes) / 2, probes
    wait_until(lambda: _probe(service.url) == 200, 15, "the service to be ready after the attack")
    assert service.log.stat().st_size < LOG_BYTES
    assert service.log_events("http.connections_full")
    assert not service.log_events("lease.lost")
