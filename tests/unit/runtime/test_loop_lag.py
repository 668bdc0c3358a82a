"""The longest lag of the last minute."""

import asyncio
import time

import pytest

from benchmarks.report import lag_line
from consumer.runtime.loop_lag import INTERVAL_SECONDS, WINDOW_SECONDS, LoopLag
from tests.support.fake_clock import FakeClock


def test_lag_is_zero_before_the_first_measurement() -> None:
    assert LoopLag(FakeClock()).max_lag() == 0


def test_longest_lag_is_reported_for_a_minute() -> None:
    clock = FakeClock()
    lag = LoopLag(clock)
    for value in (0.01, 0.3, 0.02):
        lag.record(value)
    clock.now += 1
    lag.record(0.05)
    assert lag.max_lag() == 0.3
    clock.now += WINDOW_SECONDS - 1.5
    assert lag.max_lag() == 0.3
    clock.now += 1
    assert lag.max_lag() == 0.05


async def test_blocked_loop_is_measured() -> None:
    lag = LoopLag()
    measuring = asyncio.create_task(lag.run())
    await asyncio.sleep(INTERVAL_SECONDS / 2)
    time.sleep(0.5)  # noqa: ASYNC251 – this is what is tested
    await asyncio.sleep(INTERVAL_SECONDS)
    measuring.cancel()
    assert lag.max_lag() == pytest.approx(0.45, abs=0.15)


def test_benchmark_reads_the_metric() -> None:
    assert "0.25" in lag_line("# HELP x\nchat_migration_event_loop_lag_seconds_max 0.25\n")
