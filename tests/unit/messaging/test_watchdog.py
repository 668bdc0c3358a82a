"""A wait within its bound is progress; a hang is not, wherever it is."""

import asyncio
import time

import pytest

from messaging import watchdog
from messaging.timeouts import DeadlineExceededError, call_with_deadline, sleep_or_stop
from messaging.watchdog import reporting_to

TICK = 0.02


@pytest.fixture
def progress_reports(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setattr(watchdog, "REPORT_INTERVAL_SECONDS", TICK)
    return []


def _report_to(heard: list[float]) -> None:
    heard.append(time.monotonic())


async def _block() -> None:
    await asyncio.Event().wait()


async def test_a_call_within_its_bound_is_reported_all_the_time_and_not_beyond(
    progress_reports: list[float],
) -> None:
    with reporting_to(lambda: _report_to(progress_reports)):
        begun = time.monotonic()
        with pytest.raises(DeadlineExceededError):
            await call_with_deadline(10 * TICK, _block())
        ended = time.monotonic()
        await asyncio.sleep(5 * TICK)
    assert len(progress_reports) > 3
    assert (
        max(b - a for a, b in zip([begun, *progress_reports], [*progress_reports, ended], strict=True))
        < 5 * TICK
    )
    assert max(progress_reports) <= ended


async def test_a_silent_call_is_not_reported_however_short_it_is(progress_reports: list[float]) -> None:
    with reporting_to(lambda: _report_to(progress_reports)), pytest.raises(DeadlineExceededError):
        await call_with_deadline(5 * TICK, _block(), without_progress=True)
    assert progress_reports == []


async def test_a_call_without_a_bound_is_not_reported_but_a_bounded_one_in_it_is(
    progress_reports: list[float],
) -> None:
    async def bounded() -> None:
        await asyncio.sleep(3 * TICK)
        assert progress_reports == []
        with pytest.raises(DeadlineExceededError):
            await call_with_deadline(3 * TICK, _block())

    with reporting_to(lambda: _report_to(progress_reports)):
        await call_with_deadline(None, bounded())
    assert progress_reports


async def test_a_pause_is_reported(progress_reports: list[float]) -> None:
    with reporting_to(lambda: _report_to(progress_reports)):
        await sleep_or_stop(asyncio.Event(), 5 * TICK)
    assert len(progress_reports) > 2


async def test_nobody_hears_of_a_task_begun_elsewhere(progress_reports: list[float]) -> None:
    async def elsewhere() -> None:
        await sleep_or_stop(asyncio.Event(), 5 * TICK)

    other = asyncio.create_task(elsewhere())
    with reporting_to(lambda: _report_to(progress_reports)):
        await asyncio.wait({other})
    assert progress_reports == []


async def test_a_wait_for_all_ends_with_the_last_and_one_for_the_first_with_the_first() -> None:
    never, done = asyncio.ensure_future(_block()), asyncio.ensure_future(asyncio.sleep(0))
    async with asyncio.timeout(5):
        await watchdog.wait_reporting({never, done}, 60, first_completed=True)
    assert (never.done(), done.done()) == (False, True)
    never.cancel()
    async with asyncio.timeout(5):
        await watchdog.wait_reporting({never, done}, 60)
    assert never.cancelled()
