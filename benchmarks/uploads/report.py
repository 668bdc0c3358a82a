"""The table of jobs alone and beside uploads, and which of the bounds do not hold."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from rich.table import Table

from benchmarks.uploads.measure import ALONE, PROFILES, UploadResult

SLOW_PROFILE, FAST_PROFILE = PROFILES
MAX_SLOW_RATIO = 1.25
"""A job that loses 20 % of its speed takes 1.25 times as long."""
MAX_LATENCY_SECONDS = 0.5
MAX_MEMORY_MIB = 200.0


def ratios(results: Sequence[UploadResult], profile: str) -> list[float]:
    """Seconds of each job beside a crowd by those of the one alone before it."""
    return [one.seconds / alone.seconds for alone, one in pairwise(results) if one.profile == profile]


def one_line(result: UploadResult) -> str:
    """One job in a line, printed as soon as it has ended."""
    late = percentile(result.latencies, 0.99)
    return (
        f"{result.profile}: {result.seconds:.2f} s, status p99 {1000 * late:.0f} ms, "
        f"lag {1000 * result.loop_lag:.0f} ms, {result.peak_rss_mib:.0f} MiB, {result.cores:.2f} cores, "
        f"{len(result.failed_probes)} of {result.probes} probes red, {result.bytes_per_second / 1e6:.0f} MB/s"
    )


def results_table(results: Sequence[UploadResult], rows: int) -> Table:
    """One row for each crowd, medians over the rounds."""
    made = Table(title=f"a job of {rows:,} rows, alone and beside uploads, in turn")
    for heading in (
        *("uploads", "median s", "ratio to alone", "spread", "status p50 / p99 ms"),
        *("longest loop lag ms", "RSS MiB", "service cores", "probes red", "uploads MB/s"),
    ):
        made.add_column(heading, justify="left" if heading == "uploads" else "right")
    for crowd in (ALONE, *PROFILES):
        ratio = [] if crowd == ALONE else ratios(results, crowd)
        made.add_row(*_row([one for one in results if one.profile == crowd], ratio))
    made.caption = (
        "published → completed seen; status events: commit → subscriber; lag and RSS: the highest of all "
        "rounds; RSS and cores: of the service without its children. Ratios need an idle machine: a crowd at "
        "a fixed rate takes a fixed part of a core, which is more of what the job has where others work, too"
    )
    return made


def _row(results: Sequence[UploadResult], ratio: Sequence[float]) -> tuple[str, ...]:
    probes, red = sum(one.probes for one in results), sum(len(one.failed_probes) for one in results)
    return (
        results[0].profile,
        f"{median(one.seconds for one in results):.2f}",
        f"{median(ratio):.2f}" if ratio else "1",
        f"{min(ratio):.2f} – {max(ratio):.2f}" if ratio else "",
        f"{1000 * percentile(latencies(results), 0.5):.0f} / {1000 * percentile(latencies(results), 0.99):.0f}",
        f"{1000 * max(one.loop_lag for one in results):.0f}",
        f"{max(one.peak_rss_mib for one in results):.0f}",
        f"{median(one.cores for one in results):.2f}",
        f"{red} of {probes}",
        f"{median(one.bytes_per_second for one in results) / 1e6:.0f}",
    )


def latencies(results: Sequence[UploadResult]) -> list[float]:
    """Of all status events, in seconds."""
    return [seconds for one in results for seconds in one.latencies]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so many do not exceed; at 0.99 of fewer than a hundred values, the largest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def response_lines(results: Sequence[UploadResult]) -> list[str]:
    """What the clients were answered, all rounds together."""
    lines = []
    for crowd in PROFILES:
        counted = sum((one.responses for one in results if one.profile == crowd), Counter[tuple[str, str]]())
        seen = ", ".join(f"{client} {status}: {times}" for (client, status), times in sorted(counted.items()))
        lines.append(f"responses while {crowd}: {seen or 'none, all were still sending'}")
    return lines


def broken_bounds(results: Sequence[UploadResult]) -> list[str]:
    """Bounds that do not hold."""
    slow = median(ratios(results, SLOW_PROFILE))
    late = percentile(latencies([one for one in results if one.profile == FAST_PROFILE]), 0.99)
    memory = max(one.peak_rss_mib for one in results)
    return [
        *(f"{one.profile}: {mistake}" for one in results for mistake in one.mismatches),
        *(f"{one.profile}: a probe said {red}" for one in results for red in one.failed_probes),
        *([f"{SLOW_PROFILE}: {slow:.2f} times as long"] if slow > MAX_SLOW_RATIO else []),
        *([f"{FAST_PROFILE}: status p99 {1000 * late:.0f} ms"] if late > MAX_LATENCY_SECONDS else []),
        *([f"memory: {memory:.0f} MiB"] if memory > MAX_MEMORY_MIB else []),
    ]


def ratio_line(results: Sequence[UploadResult]) -> str:
    """The line that machines read."""
    slow, fast = (median(ratios(results, crowd)) for crowd in PROFILES)
    return f"uploads ratio slow {slow:.2f} fast {fast:.2f}"
