"""The table of jobs alone and during uploads, and the bounds that were exceeded."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from rich.table import Table

from benchmarks.report import percentile
from benchmarks.uploads.measure import ALONE, PROFILES, UploadResult

SLOW_PROFILE, FAST_PROFILE = PROFILES
MAX_SLOW_RATIO = 1.25
"""A job at 80 % of its speed takes 1.25 times as long."""
MAX_LATENCY_SECONDS = 0.5
MAX_MEMORY_MIB = 200.0


def ratios(results: Sequence[UploadResult], profile: str) -> list[float]:
    """Seconds of each job with this profile, relative to the job alone before it."""
    return [
        result.seconds / alone.seconds for alone, result in pairwise(results) if result.profile == profile
    ]


def one_line(result: UploadResult) -> str:
    """One result as a line, printed when its job has ended."""
    p99 = percentile(result.latencies, 0.99)
    return (
        f"{result.profile}: {result.seconds:.2f} s, status p99 {1000 * p99:.0f} ms, "
        f"lag {1000 * result.loop_lag:.0f} ms, {result.peak_rss_mib:.0f} MiB, {result.cores:.2f} cores, "
        f"{len(result.failed_probes)} of {result.probes} probes failed, "
        f"{result.bytes_per_second / 1e6:.0f} MB/s"
    )


def results_table(results: Sequence[UploadResult], rows: int) -> Table:
    """One row for each profile, with medians over the rounds."""
    table = Table(title=f"a job of {rows:,} rows, alone and during uploads, in turn")
    for heading in (
        *("uploads", "median s", "ratio to alone", "spread", "status p50 / p99 ms"),
        *("longest loop lag ms", "RSS MiB", "service cores", "probes failed", "uploads MB/s"),
    ):
        table.add_column(heading, justify="left" if heading == "uploads" else "right")
    for profile in (ALONE, *PROFILES):
        profile_ratios = [] if profile == ALONE else ratios(results, profile)
        table.add_row(*_row(_of_profile(results, profile), profile_ratios))
    table.caption = (
        "published → `completed` received; status events: commit → subscriber; lag and RSS: the highest of "
        "all rounds; RSS and cores: of the service without its children. Ratios need an idle machine: "
        "uploads at a fixed rate take a fixed part of a core, which slows the job more if other programs run"
    )
    return table


def _of_profile(results: Sequence[UploadResult], profile: str) -> list[UploadResult]:
    return [result for result in results if result.profile == profile]


def _row(results: Sequence[UploadResult], ratios_: Sequence[float]) -> tuple[str, ...]:
    probes = sum(result.probes for result in results)
    failed = sum(len(result.failed_probes) for result in results)
    p50, p99 = (1000 * percentile(latencies(results), share) for share in (0.5, 0.99))
    return (
        results[0].profile,
        f"{median(result.seconds for result in results):.2f}",
        f"{median(ratios_):.2f}" if ratios_ else "1",
        f"{min(ratios_):.2f} – {max(ratios_):.2f}" if ratios_ else "",
        f"{p50:.0f} / {p99:.0f}",
        f"{1000 * max(result.loop_lag for result in results):.0f}",
        f"{max(result.peak_rss_mib for result in results):.0f}",
        f"{median(result.cores for result in results):.2f}",
        f"{failed} of {probes}",
        f"{median(result.bytes_per_second for result in results) / 1e6:.0f}",
    )


def latencies(results: Sequence[UploadResult]) -> list[float]:
    """Latencies of all status events, in seconds."""
    return [seconds for result in results for seconds in result.latencies]


def response_lines(results: Sequence[UploadResult]) -> list[str]:
    """Responses to the clients of each profile, summed over the rounds."""
    lines = []
    for profile in PROFILES:
        total: Counter[tuple[str, str]] = Counter()
        for result in _of_profile(results, profile):
            total += result.responses
        parts = [f"{client} {status}: {count}" for (client, status), count in sorted(total.items())]
        lines.append(f"responses to {profile}: {', '.join(parts) or 'none, all were still sending'}")
    return lines


def broken_bounds(results: Sequence[UploadResult]) -> list[str]:
    """A line for each exceeded bound, wrong count and failed probe."""
    slow = median(ratios(results, SLOW_PROFILE))
    p99 = percentile(latencies(_of_profile(results, FAST_PROFILE)), 0.99)
    memory = max(result.peak_rss_mib for result in results)
    return [
        *(f"{result.profile}: {mismatch}" for result in results for mismatch in result.mismatches),
        *(
            f"{result.profile}: a probe returned {probe}"
            for result in results
            for probe in result.failed_probes
        ),
        *([f"{SLOW_PROFILE}: {slow:.2f} times as long"] if slow > MAX_SLOW_RATIO else []),
        *([f"{FAST_PROFILE}: status p99 {1000 * p99:.0f} ms"] if p99 > MAX_LATENCY_SECONDS else []),
        *([f"memory: {memory:.0f} MiB"] if memory > MAX_MEMORY_MIB else []),
    ]


def ratio_line(results: Sequence[UploadResult]) -> str:
    """The line that programs read."""
    slow, fast = (median(ratios(results, profile)) for profile in PROFILES)
    return f"uploads ratio slow {slow:.2f} fast {fast:.2f}"
