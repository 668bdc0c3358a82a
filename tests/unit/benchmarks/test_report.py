"""The report of `make bench`, and the memory sampler."""

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


def test_ratio_line_has_medians_of_ratios_per_round() -> None:
    assert report.ratio_line(ROUNDS) == "ratio first 1.80 unchanged 1.10"


def test_tables_show_spread_and_memory() -> None:
    console = Console(file=io.StringIO(), width=110)
    sizes = [report.SizeResult("one large file", 620_000, timing(16.0, 430.0))]
    tables = (report.rounds_table(ROUNDS, 155_000), report.sizes_table(sizes, timing(4.0), 155_000))
    report.show(console, *tables)
    assert isinstance(console.file, io.StringIO)
    output = console.file.getvalue()
    assert all(part in output for part in ("1.50 – 2.00", "210", "620,000", "4.00", "430"))


def test_latency_line_has_99th_percentile() -> None:
    line = report.latency_line([n / 1000 for n in range(1, 101)])
    assert "100 events" in line
    assert "p99 100 ms" in line
    assert "no events" in report.latency_line([])


def test_lag_line_quotes_the_metric() -> None:
    assert "loop_lag_seconds_max 0.02" in report.lag_line("# HELP loop_lag x\nloop_lag_seconds_max 0.02\n")
    assert "no lag" in report.lag_line("")


def test_sampler_measures_allocated_memory() -> None:
    with MemorySampler(os.getpid()) as memory:
        block = bytearray(64 << 20)
        while memory.peak_mib < len(block) / 2**20:
            pass
    assert memory.peak_mib < 4_000
