"""Tables of what was measured. Only ratios count: seconds are of one moment of one machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.database_source import DatabaseResult
from benchmarks.measure import Round, Timing


@dataclass(frozen=True, slots=True)
class SizeResult:
    """A load of another size than the one of the rounds."""

    label: str
    rows: int
    timing: Timing


def ratios(rounds: Sequence[Round], of: Callable[[Round], Timing]) -> list[float]:
    """Each load against the peer of its own round."""
    return [of(one).seconds / one.baseline.seconds for one in rounds]


def first_ratios(rounds: Sequence[Round]) -> list[float]:
    """Of the first loads."""
    return ratios(rounds, lambda one: one.first)


def unchanged_ratios(rounds: Sequence[Round]) -> list[float]:
    """Of the unchanged ones."""
    return ratios(rounds, lambda one: one.unchanged)


def rounds_table(rounds: Sequence[Round], rows: int) -> Table:
    """Medians over the rounds, ratios with their spread, and memory."""
    table = Table(title=f"{rows:,} rows × 19 columns, 7 % wrong, {len(rounds)} rounds in turn")
    for heading in ("load", "median s", "ratio to peer", "spread of ratios", "peak RSS MiB"):
        table.add_column(heading, justify="left" if heading == "load" else "right")
    table.add_row("peer: polars → ADBC", *_times([one.baseline for one in rounds], [1.0]))
    table.add_row("first load", *_times([one.first for one in rounds], first_ratios(rounds)))
    table.add_row("unchanged load", *_times([one.unchanged for one in rounds], unchanged_ratios(rounds)))
    table.caption = (
        "published → completed seen; RSS summed over the service and its children (shared pages counted "
        "in each), sampled every 50 ms"
    )
    return table


def database_table(result: DatabaseResult) -> Table:
    """A table of another database against the bare pipe."""
    table = Table(title=f"{result.rows:,} rows of another database, {len(result.rounds)} rounds in turn")
    for heading in ("load", "median s", "ratio to pipe", "spread of ratios", "peak RSS MiB"):
        table.add_column(heading, justify="left" if heading == "load" else "right")
    rounds = result.rounds
    table.add_row("pipe: COPY TO → COPY FROM", *_times([one.baseline for one in rounds], [1.0]))
    table.add_row("first load", *_times([one.first for one in rounds], first_ratios(rounds)))
    table.add_row("unchanged load", *_times([one.unchanged for one in rounds], unchanged_ratios(rounds)))
    if result.large is not None:
        table.add_row(
            f"first load of {result.large_rows:,} rows",
            f"{result.large.seconds:.1f}",
            *"  ",
            f"{result.large.peak_rss_mib:.0f}",
        )
    return table


def _times(timings: Sequence[Timing], against: Sequence[float]) -> tuple[str, ...]:
    return (
        f"{median(one.seconds for one in timings):.2f}",
        f"{median(against):.2f}",
        f"{min(against):.2f} – {max(against):.2f}",
        f"{max(one.peak_rss_mib for one in timings):.0f}",
    )


def sizes_table(sizes: Sequence[SizeResult], base: Timing, base_rows: int) -> Table:
    """First loads of other sizes against the median first load of the rounds."""
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
    """What sending the file through Kafka takes beside the import."""
    return f"upload through Kafka, not in the times above: {mib:.1f} MiB in {seconds:.2f} s"


def latency_line(latencies: Sequence[float]) -> str:
    """How fast events reach a subscriber."""
    if not latencies:
        return "status latency: no events"
    ordered = [1000 * one for one in sorted(latencies)]
    at = {share: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.99)}
    return (
        f"status latency, written in the transaction → seen by a subscriber ({len(ordered)} events): "
        f"median {at[0.5]:.0f} ms, p99 {at[0.99]:.0f} ms, longest {ordered[-1]:.0f} ms"
    )


def lag_line(metrics: str) -> str:
    """What the service says of its own event loop."""
    lines = [line for line in metrics.splitlines() if "loop_lag" in line and not line.startswith("#")]
    return "event loop: " + ("; ".join(lines) if lines else "the service exposes no lag")


def ratio_line(rounds: Sequence[Round], what: str = "ratio") -> str:
    """The line that machines read."""
    first, unchanged = median(first_ratios(rounds)), median(unchanged_ratios(rounds))
    return f"{what} first {first:.2f} unchanged {unchanged:.2f}"


def show(console: Console, *parts: Table | str) -> None:
    """Print tables and lines."""
    for part in parts:
        console.print(part, highlight=False)
