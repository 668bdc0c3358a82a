"""Tables of results. Only ratios are comparable: seconds depend on the machine and its load."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.database_source import DatabaseResult
from benchmarks.measure import Round, Timing


@dataclass(frozen=True, slots=True)
class SizeResult:
    """A first load of another size."""

    label: str
    rows: int
    timing: Timing


def ratios(rounds: Sequence[Round], of: Callable[[Round], Timing]) -> list[float]:
    """Seconds of each load, relative to the baseline of the same round."""
    return [of(round_).seconds / round_.baseline.seconds for round_ in rounds]


def first_ratios(rounds: Sequence[Round]) -> list[float]:
    """Ratios of the first loads."""
    return ratios(rounds, lambda round_: round_.first)


def unchanged_ratios(rounds: Sequence[Round]) -> list[float]:
    """Ratios of the unchanged loads."""
    return ratios(rounds, lambda round_: round_.unchanged)


def rounds_table(rounds: Sequence[Round], rows: int) -> Table:
    """Workbook loads: medians over the rounds, ratios with their spread, and memory."""
    table = Table(title=f"{rows:,} rows × 19 columns, 7 % invalid, {len(rounds)} rounds in turn")
    for heading in ("load", "median s", "ratio to baseline", "spread of ratios", "peak RSS MiB"):
        table.add_column(heading, justify="left" if heading == "load" else "right")
    table.add_row("baseline: polars → ADBC", *_timing_cells([round_.baseline for round_ in rounds], [1.0]))
    table.add_row("first load", *_timing_cells([round_.first for round_ in rounds], first_ratios(rounds)))
    table.add_row(
        "unchanged load", *_timing_cells([round_.unchanged for round_ in rounds], unchanged_ratios(rounds))
    )
    table.caption = (
        "published → `completed` received; RSS summed over the service and its children (shared pages count "
        "in each), sampled every 50 ms"
    )
    return table


def database_table(result: DatabaseResult) -> Table:
    """Database loads: medians over the rounds, ratios with their spread, and memory."""
    table = Table(title=f"{result.rows:,} rows of another database, {len(result.rounds)} rounds in turn")
    for heading in ("load", "median s", "ratio to baseline", "spread of ratios", "peak RSS MiB"):
        table.add_column(heading, justify="left" if heading == "load" else "right")
    rounds = result.rounds
    table.add_row(
        "baseline: COPY TO → COPY FROM", *_timing_cells([round_.baseline for round_ in rounds], [1.0])
    )
    table.add_row("first load", *_timing_cells([round_.first for round_ in rounds], first_ratios(rounds)))
    table.add_row(
        "unchanged load", *_timing_cells([round_.unchanged for round_ in rounds], unchanged_ratios(rounds))
    )
    if result.large is not None:
        table.add_row(
            f"first load of {result.large_rows:,} rows",
            f"{result.large.seconds:.1f}",
            *"  ",
            f"{result.large.peak_rss_mib:.0f}",
        )
    return table


def _timing_cells(timings: Sequence[Timing], ratios_: Sequence[float]) -> tuple[str, ...]:
    return (
        f"{median(timing.seconds for timing in timings):.2f}",
        f"{median(ratios_):.2f}",
        f"{min(ratios_):.2f} – {max(ratios_):.2f}",
        f"{max(timing.peak_rss_mib for timing in timings):.0f}",
    )


def sizes_table(sizes: Sequence[SizeResult], base: Timing, base_rows: int) -> Table:
    """First loads of other sizes, relative to the median first load of the rounds."""
    table = Table(title=f"first loads of other sizes against {base_rows:,} rows")
    for heading in ("load", "rows", "s", "× rows", "× time", "peak RSS MiB"):
        table.add_column(heading, justify="left" if heading == "load" else "right")
    for size in sizes:
        table.add_row(
            size.label,
            f"{size.rows:,}",
            f"{size.timing.seconds:.2f}",
            f"{size.rows / base_rows:.1f}",
            f"{size.timing.seconds / base.seconds:.2f}",
            f"{size.timing.peak_rss_mib:.0f}",
        )
    return table


def upload_line(mib: float, seconds: float) -> str:
    """Size and seconds of the upload through Kafka."""
    return f"upload through Kafka, not in the times above: {mib:.1f} MiB in {seconds:.2f} s"


def latency_line(latencies: Sequence[float]) -> str:
    """Median, 99th percentile and maximum of the latencies (seconds) of status events, in ms."""
    if not latencies:
        return "status latency: no events"
    p50, p99 = (1000 * percentile(latencies, share) for share in (0.5, 0.99))
    return (
        f"status latency, commit → subscriber ({len(latencies)} events): "
        f"median {p50:.0f} ms, p99 {p99:.0f} ms, longest {1000 * max(latencies):.0f} ms"
    )


def lag_line(metrics: str) -> str:
    """The event loop lag in the service's metrics."""
    lines = [line for line in metrics.splitlines() if "loop_lag" in line and not line.startswith("#")]
    return "event loop: " + ("; ".join(lines) if lines else "the metrics have no lag")


def ratio_line(rounds: Sequence[Round], what: str = "ratio") -> str:
    """The line that programs read."""
    first, unchanged = median(first_ratios(rounds)), median(unchanged_ratios(rounds))
    return f"{what} first {first:.2f} unchanged {unchanged:.2f}"


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; at 0.99 of fewer than a hundred values, the largest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show(console: Console, *parts: Table | str) -> None:
    """Print tables and lines."""
    for part in parts:
        console.print(part, highlight=False)
