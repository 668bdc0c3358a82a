"""A service that starts before what it leans on is alive and not ready."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from devstack.service import ServiceProcess
from tests.support.harness import Harness
from tests.support.wait import wait_until


@pytest.fixture
def silent_address() -> Iterator[str]:
    """An address that is held and never answers."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture
def launch_service(harness: Harness, tmp_path: Path) -> Iterator[Callable[..., ServiceProcess]]:
    started: list[ServiceProcess] = []

    def launched(**more: str) -> ServiceProcess:
        started.append(ServiceProcess(harness.environment(**more), tmp_path / "service.log").launch())
        return started[-1]

    yield launched
    for service in started:
        service.stop()


def probe(service: ServiceProcess, path: str) -> tuple[int, Any] | None:
    """Status and body; None while the port is closed."""
    try:
        answer = httpx.get(service.url + path, timeout=5)
    except httpx.HTTPError:
        return None
    return answer.status_code, answer.json()


def test_intake_sends_heartbeats_without_kafka(
    launch_service: Callable[..., ServiceProcess], silent_address: str
) -> None:
    service = launch_service(KAFKA_BOOTSTRAP_SERVERS=silent_address)

    def tried() -> float | None:
        answer = probe(service, "/healthz")
        return answer[1]["tasks"].get("intake") if answer else None

    def silent_for_two_seconds() -> bool:
        return (tried() or 0.0) > 2

    def reported_since() -> bool:
        return (tried() or 9.0) < 1

    wait_until(silent_for_two_seconds, 60, "a wait between two tries")
    wait_until(reported_since, 60, "the next try")
    answer = probe(service, "/readyz")
    assert answer is not None
    assert (answer[0], answer[1]["waiting_for"]) == (503, {"kafka": "not connected yet"})


def test_probes_name_postgres_while_unavailable(
    launch_service: Callable[..., ServiceProcess], silent_address: str
) -> None:
    service = launch_service(DATABASE_URL=f"postgresql://guest@{silent_address}/nothing")
    wait_until(lambda: service.log_events("database.unavailable"), 60, "a try to connect")
    assert probe(service, "/healthz") == (200, {"tasks": {}})
    answer = probe(service, "/readyz")
    assert answer is not None
    assert (answer[0], list(answer[1]["waiting_for"])) == (503, ["postgres"])


def test_sigterm_ends_service_waiting_for_postgres(
    launch_service: Callable[..., ServiceProcess], silent_address: str
) -> None:
    service = launch_service(DATABASE_URL=f"postgresql://guest@{silent_address}/nothing")
    wait_until(lambda: service.log_events("database.unavailable"), 60, "a try to connect")
    service.signal(15)
    assert service.wait(10) == 0
