"""What runs for as long as the service does: an outage is waited out and told, and ends nothing."""

import asyncio

import pytest

from consumer import supervise
from consumer.pulse import Pulse


class Away(Exception):
    """An outage."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(supervise, "LAST_SECONDS", 0.0)


async def _said(errors: list[Exception]) -> list[str]:
    """What a task says that fails with these, one after the other."""
    stop, said = asyncio.Event(), []
    pulse = Pulse(alive=lambda: said.append("alive"), died=lambda: said.append("died"))

    async def run() -> None:
        said.append("run")
        if errors:
            raise errors.pop(0)
        stop.set()

    await supervise.keep_running("task", run, stop, expected=(Away,), pulse=pulse)
    return said


async def test_a_task_that_waits_out_an_outage_is_alive_before_and_after_every_try() -> None:
    assert await _said([Away(), Away()]) == ["alive", "run", "alive", "alive", "run", "alive", "alive", "run"]


async def test_a_task_that_dies_of_a_defect_says_so() -> None:
    assert await _said([ZeroDivisionError()]) == ["alive", "run", "died", "alive", "run"]
