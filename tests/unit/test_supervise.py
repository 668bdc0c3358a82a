"""What runs for as long as the service does: an outage is waited out and told, and ends nothing."""

import asyncio

import pytest

from consumer import supervise


class Away(Exception):
    """An outage."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(supervise, "LAST_SECONDS", 0.0)


async def _told(errors: list[Exception]) -> int:
    """How often a task that fails with these was told to wait."""
    stop, told = asyncio.Event(), []

    async def run() -> None:
        if errors:
            raise errors.pop(0)
        stop.set()

    await supervise.keep_running("task", run, stop, expected=(Away,), waits=lambda: told.append(True))
    return len(told)


async def test_a_task_that_waits_out_an_outage_says_so_at_every_try() -> None:
    assert await _told([Away(), Away(), Away()]) == 3


async def test_a_task_that_dies_of_a_defect_does_not_count_as_waiting() -> None:
    assert await _told([ZeroDivisionError()]) == 0
