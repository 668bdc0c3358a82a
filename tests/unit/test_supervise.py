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
    monkeypatch.setattr(supervise, "LOOK_SECONDS", 0.01)


async def _said(errors: list[BaseException]) -> list[str]:
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


async def test_a_task_that_was_cancelled_from_inside_is_begun_anew() -> None:
    assert await _said([asyncio.CancelledError()]) == ["alive", "run", "died", "alive", "run"]


async def test_a_task_that_hangs_is_ended_and_begun_anew() -> None:
    stop, said = asyncio.Event(), []
    pulse = Pulse(died=lambda: said.append("died"), hung=lambda: said == ["run"])

    async def run() -> None:
        said.append("run")
        if len(said) > 1:
            stop.set()
            return
        try:
            await asyncio.Event().wait()
        finally:
            said.append("ended")

    async with asyncio.timeout(10):
        await supervise.keep_running("task", run, stop, expected=(Away,), pulse=pulse)
    assert said == ["run", "ended", "died", "run"]


async def test_a_task_that_is_silent_for_a_moment_is_let_be() -> None:
    """The whole process may have been frozen: then every task is silent, and none of them hangs."""
    looks = iter([True] * (supervise.HUNG_LOOKS - 1) + [False] + [True] * (supervise.HUNG_LOOKS - 1))
    stop, died = asyncio.Event(), []

    async def run() -> None:
        await stop.wait()

    def hung() -> bool:
        look = next(looks, None)
        if look is None:
            stop.set()
        return bool(look)

    async with asyncio.timeout(10):
        pulse = Pulse(died=lambda: died.append(True), hung=hung)
        await supervise.keep_running("task", run, stop, expected=(Away,), pulse=pulse)
    assert not died


async def test_a_task_ends_when_its_keeper_is_cancelled() -> None:
    ended = asyncio.Event()

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    keeping = supervise.keep_running("task", run, asyncio.Event(), expected=(Away,), pulse=Pulse())
    task = asyncio.create_task(keeping)
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert (task.cancelled(), ended.is_set()) == (True, True)
