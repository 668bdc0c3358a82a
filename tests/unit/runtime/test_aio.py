import asyncio

import pytest

from consumer.runtime.aio import WakeEvent, wait_or_cancel
from messaging import timeouts


async def test_notification_ends_only_one_wait() -> None:
    wake = WakeEvent()
    wake.notify()
    async with asyncio.timeout(5):
        await wake.wait(60)
        await wake.wait(0.05)


async def test_wait_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts, "HEARTBEAT_INTERVAL_SECONDS", 0.02)
    beats: list[bool] = []
    await WakeEvent().wait(0.2, lambda: beats.append(True))
    assert 3 < len(beats) < 11


async def test_tasks_that_are_late_are_cancelled_and_returned() -> None:
    quick = asyncio.create_task(asyncio.sleep(0), name="quick")
    slow = asyncio.create_task(asyncio.sleep(60), name="slow")
    async with asyncio.timeout(5):
        assert await wait_or_cancel([quick, slow], 0.05) == [slow]
    assert (quick.cancelled(), slow.cancelled()) == (False, True)
    assert await wait_or_cancel([], 60) == []
