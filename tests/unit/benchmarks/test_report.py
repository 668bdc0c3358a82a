"""What the bench says of what it measured."""

import io
import os

from rich.console import Console

from benchmarks import report
from benchmarks.measure import Round, Timing
from benchmarks.memory import MemorySampler


def timing(seconds: float, memory: float = 100.0) -> Timing:
    return Timing(seconds, memory)


ROUNDS = [
    Round(timing(2.0), timing(4.0), timing(3.0)),
    Round(timing(4.0), timing(6.0), timing(4.0)),
    Round(timing(2.0), timing(3.6), timing(2.2, 210.0)),
]


def test_the_last_line_holds_the_medians_of_the_ratios_within_rounds() -> None:
    assert report.ratio_line(ROUNDS) == "ratio first 1.80 unchanged 1.10"


def test_the_tables_show_spread_and_memory() -> None:
    console = Console(file=io.StringIO(), width=110)
    sizes = [report.SizeResult("one large file", 620_000, timing(16.0, 430.0))]
    tables = (report.rounds_table(ROUNDS, 155_000), report.sizes_table(sizes, timing(4.0), 155_000))
    report.show(console, *tables)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert all(part in shown for part in ("1.50 – 2.00", "210", "620,000", "4.00", "430"))


def test_the_latency_line_tells_the_slowest_hundredth() -> None:
    line = report.latency_line([n / 1000 for n in range(1, 101)])
    assert "100 events" in line
    assert "p99 100 ms" in line
    assert "no events" in report.latency_line([])


def test_the_lag_line_repeats_what_the_service_says() -> None:
    assert "loop_lag_seconds_max 0.02" in report.lag_line("# HELP loop_lag x\nloop_lag_seconds_max 0.02\n")
    assert "no lag" in report.lag_line("")


def test_the_sampler_sees_the_memory_of_a_process() -> None:
    with MemorySampler(os.getpid()) as memory:
        block = bytearray(64 << 20)
        while memory.peak_mib < len(block) / 2**20:
            pass
    assert memory.peak_mib < 4_000
