"""The table of jobs alone and beside uploads, and which of the bounds do not hold."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from rich.table import Table

from benchmarks.uploads.measure import ALONE, CROWDS, Measured

SLOW_CROWD, FAST_CROWD = CROWDS
SLOW_CROWD_RATIO = 1.25
"""A job that loses 20 % of its speed takes 1.25 times as long."""
LATENCY_SECONDS = 0.5
MEMORY_MIB = 200.0


def ratios(found: Sequence[Measured], crowd: str) -> list[float]:
    """Seconds of each job beside a crowd by those of the one alone before it."""
    return [one.seconds / alone.seconds for alone, one in pairwise(found) if one.crowd == crowd]


def brief(one: Measured) -> str:
    """One job in a line, printed as soon as it has ended."""
    late = percentile(one.latencies, 0.99)
    return (
        f"{one.crowd}: {one.seconds:.2f} s, status p99 {1000 * late:.0f} ms, "
        f"lag {1000 * one.loop_lag:.0f} ms, {one.memory:.0f} MiB, {one.cores:.2f} cores, "
        f"{len(one.red)} of {one.probes} probes red, {one.bytes_per_second / 1e6:.0f} MB/s"
    )


def table(found: Sequence[Measured], rows: int) -> Table:
    """One row for each crowd, medians over the rounds."""
    made = Table(title=f"a job of {rows:,} rows, alone and beside uploads, in turn")
    for heading in (
        *("uploads", "median s", "ratio to alone", "spread", "status p50 / p99 ms"),
        *("longest loop lag ms", "RSS MiB", "service cores", "probes red", "uploads MB/s"),
    ):
        made.add_column(heading, justify="left" if heading == "uploads" else "right")
    for crowd in (ALONE, *CROWDS):
        ratio = [] if crowd == ALONE else ratios(found, crowd)
        made.add_row(*_row([one for one in found if one.crowd == crowd], ratio))
    made.caption = (
        "published → completed seen; status events: commit → subscriber; lag and RSS: the highest of all "
        "rounds; RSS and cores: of the service without its children. Ratios need an idle machine: a crowd at "
        "a fixed rate takes a fixed part of a core, which is more of what the job has where others work, too"
    )
    return made


def _row(ones: Sequence[Measured], ratio: Sequence[float]) -> tuple[str, ...]:
    probes, red = sum(one.probes for one in ones), sum(len(one.red) for one in ones)
    return (
        ones[0].crowd,
        f"{median(one.seconds for one in ones):.2f}",
        f"{median(ratio):.2f}" if ratio else "1",
        f"{min(ratio):.2f} – {max(ratio):.2f}" if ratio else "",
        f"{1000 * percentile(latencies(ones), 0.5):.0f} / {1000 * percentile(latencies(ones), 0.99):.0f}",
        f"{1000 * max(one.loop_lag for one in ones):.0f}",
        f"{max(one.memory for one in ones):.0f}",
        f"{median(one.cores for one in ones):.2f}",
        f"{red} of {probes}",
        f"{median(one.bytes_per_second for one in ones) / 1e6:.0f}",
    )


def latencies(ones: Sequence[Measured]) -> list[float]:
    """Of all status events, in seconds."""
    return [seconds for one in ones for seconds in one.latencies]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so many do not exceed; at 0.99 of fewer than a hundred values, the largest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def response_lines(found: Sequence[Measured]) -> list[str]:
    """What the clients were answered, all rounds together."""
    lines = []
    for crowd in CROWDS:
        counted = sum((one.responses for one in found if one.crowd == crowd), Counter[tuple[str, str]]())
        seen = ", ".join(f"{client} {status}: {times}" for (client, status), times in sorted(counted.items()))
        lines.append(f"responses while {crowd}: {seen or 'none, all were still sending'}")
    return lines


def broken(found: Sequence[Measured]) -> list[str]:
    """Bounds that do not hold."""
    slow = median(ratios(found, SLOW_CROWD))
    late = percentile(latencies([one for one in found if one.crowd == FAST_CROWD]), 0.99)
    memory = max(one.memory for one in found)
    return [
        *(f"{one.crowd}: {mistake}" for one in found for mistake in one.mistakes),
        *(f"{one.crowd}: a probe said {red}" for one in found for red in one.red),
        *([f"{SLOW_CROWD}: {slow:.2f} times as long"] if slow > SLOW_CROWD_RATIO else []),
        *([f"{FAST_CROWD}: status p99 {1000 * late:.0f} ms"] if late > LATENCY_SECONDS else []),
        *([f"memory: {memory:.0f} MiB"] if memory > MEMORY_MIB else []),
    ]


def ratio_line(found: Sequence[Measured]) -> str:
    """The line that machines read."""
    slow, fast = (median(ratios(found, crowd)) for crowd in CROWDS)
    return f"uploads ratio slow {slow:.2f} fast {fast:.2f}"
