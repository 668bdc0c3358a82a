"""A service that starts before what it leans on is alive and not ready."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import World
from tests.support.service import Service
from tests.support.wait import until


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address that is held and never answers."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture
def launch(world: World, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def launched(**more: str) -> Service:
        started.append(Service(world.environment(**more), tmp_path / "service.log").launch())
        return started[-1]

    yield launched
    for service in started:
        service.stop()


def ask(service: Service, path: str) -> tuple[int, Any] | None:
    """Status and body; None while nobody listens."""
    try:
        answer = httpx.get(service.url + path, timeout=5)
    except httpx.HTTPError:
        return None
    return answer.status_code, answer.json()


def test_without_kafka_the_intake_goes_on_reporting(launch: Callable[..., Service], nobody: str) -> None:
    service = launch(KAFKA_BOOTSTRAP_SERVERS=nobody)

    def tried() -> float | None:
        answer = ask(service, "/healthz")
        return answer[1]["tasks"].get("intake") if answer else None

    def silent_for_two_seconds() -> bool:
        return (tried() or 0.0) > 2

    def reported_since() -> bool:
        return (tried() or 9.0) < 1

    until(silent_for_two_seconds, 60, "a wait between two tries")
    until(reported_since, 60, "the next try")
    answer = ask(service, "/readyz")
    assert answer is not None
    assert (answer[0], answer[1]["waiting_for"]) == (503, {"kafka": "not connected yet"})


def test_without_postgres_the_probes_answer_and_name_it(launch: Callable[..., Service], nobody: str) -> None:
    service = launch(DATABASE_URL=f"postgresql://nobody@{nobody}/nothing")
    until(lambda: service.logged("database.away"), 60, "a try to connect")
    assert ask(service, "/healthz") == (200, {"tasks": {}})
    answer = ask(service, "/readyz")
    assert answer is not None
    assert (answer[0], list(answer[1]["waiting_for"])) == (503, ["postgres"])


def test_a_service_that_waits_for_postgres_ends_when_told(
    launch: Callable[..., Service], nobody: str
) -> None:
    service = launch(DATABASE_URL=f"postgresql://nobody@{nobody}/nothing")
    until(lambda: service.logged("database.away"), 60, "a try to connect")
    service.signal(15)
    assert service.wait(10) == 0
