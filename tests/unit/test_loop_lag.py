"""The longest lag of the last minute, and no longer."""

import asyncio
import time

import pytest

from benchmarks.report import lag_line
from consumer.loop_lag import EVERY_SECONDS, WINDOW_SECONDS, LoopLag
from tests.support.clock import FakeClock


def test_before_the_first_value_there_is_no_lag() -> None:
    assert LoopLag(FakeClock()).worst() == 0


def test_the_worst_of_a_minute_is_told_and_then_forgotten() -> None:
    clock = FakeClock()
    lag = LoopLag(clock)
    for value in (0.01, 0.3, 0.02):
        lag.note(value)
    clock.now += 1
    lag.note(0.05)
    assert lag.worst() == 0.3
    clock.now += WINDOW_SECONDS - 1.5
    assert lag.worst() == 0.3
    clock.now += 1
    assert lag.worst() == 0.05


async def test_a_blocked_loop_is_noticed() -> None:
    lag = LoopLag()
    measuring = asyncio.create_task(lag.run())
    await asyncio.sleep(EVERY_SECONDS / 2)
    time.sleep(0.5)  # noqa: ASYNC251 – this is the point
    await asyncio.sleep(EVERY_SECONDS)
    measuring.cancel()
    assert lag.worst() == pytest.approx(0.45, abs=0.15)


def test_the_benchmark_finds_it() -> None:
    assert "0.25" in lag_line("# HELP x\nchat_migration_event_loop_lag_seconds_max 0.25\n")
