"""Pauses end early by a hint, and who is watched says meanwhile that he is alive."""

import asyncio

import pytest

from consumer.runtime import aio
from consumer.runtime.aio import WakeEvent, wait_event


@pytest.fixture(autouse=True)
def short_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aio, "HEARTBEAT_INTERVAL_SECONDS", 0.02)


async def test_who_waits_says_that_he_is_alive_and_that_nothing_happened() -> None:
    said: list[bool] = []
    assert not await wait_event(asyncio.Event(), 0.2, lambda: said.append(True))
    assert 3 < len(said) < 11


async def test_an_event_ends_the_wait_at_once_and_is_told() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, event.set)
    async with asyncio.timeout(5):
        assert await wait_event(event, 60)
        assert await wait_event(event, 60)


async def test_no_time_to_wait_is_a_look_that_lets_others_run() -> None:
    ran: list[bool] = []
    asyncio.get_running_loop().call_soon(ran.append, True)
    assert not await wait_event(asyncio.Event(), -1)
    assert ran


async def test_a_hint_cuts_one_pause_short_and_not_the_next() -> None:
    one = WakeEvent()
    one.notify()
    async with asyncio.timeout(5):
        await one.wait(60)
        await one.wait(0.05)
