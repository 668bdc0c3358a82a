"""A wait within its bound is progress; a hang is not, wherever it is."""

import asyncio
import time

import pytest

from messaging import progress
from messaging.guard import Overdue, pause, within
from messaging.progress import ticking

TICK = 0.02


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setattr(progress, "TICK_SECONDS", TICK)
    return []


def _hear(heard: list[float]) -> None:
    heard.append(time.monotonic())


async def _hang() -> None:
    await asyncio.Event().wait()


async def test_a_call_within_its_bound_is_reported_all_the_time_and_not_beyond(heard: list[float]) -> None:
    with ticking(lambda: _hear(heard)):
        begun = time.monotonic()
        with pytest.raises(Overdue):
            await within(10 * TICK, _hang())
        ended = time.monotonic()
        await asyncio.sleep(5 * TICK)
    assert len(heard) > 3
    assert max(b - a for a, b in zip([begun, *heard], [*heard, ended], strict=True)) < 5 * TICK
    assert max(heard) <= ended


async def test_a_silent_call_is_not_reported_however_short_it_is(heard: list[float]) -> None:
    with ticking(lambda: _hear(heard)), pytest.raises(Overdue):
        await within(5 * TICK, _hang(), silent=True)
    assert heard == []


async def test_a_call_without_a_bound_is_not_reported_but_a_bounded_one_in_it_is(
    heard: list[float],
) -> None:
    async def bounded() -> None:
        await asyncio.sleep(3 * TICK)
        assert heard == []
        with pytest.raises(Overdue):
            await within(3 * TICK, _hang())

    with ticking(lambda: _hear(heard)):
        await within(None, bounded())
    assert heard


async def test_a_pause_is_reported(heard: list[float]) -> None:
    with ticking(lambda: _hear(heard)):
        await pause(asyncio.Event(), 5 * TICK)
    assert len(heard) > 2


async def test_nobody_hears_of_a_task_begun_elsewhere(heard: list[float]) -> None:
    async def elsewhere() -> None:
        await pause(asyncio.Event(), 5 * TICK)

    other = asyncio.create_task(elsewhere())
    with ticking(lambda: _hear(heard)):
        await asyncio.wait({other})
    assert heard == []


async def test_a_wait_for_all_ends_with_the_last_and_one_for_the_first_with_the_first() -> None:
    never, done = asyncio.ensure_future(_hang()), asyncio.ensure_future(asyncio.sleep(0))
    async with asyncio.timeout(5):
        await progress.wait({never, done}, 60, first=True)
    assert (never.done(), done.done()) == (False, True)
    never.cancel()
    async with asyncio.timeout(5):
        await progress.wait({never, done}, 60)
    assert never.cancelled()
