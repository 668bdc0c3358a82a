"""The table of outages."""

from collections.abc import Sequence
from statistics import median

from rich.table import Table

from benchmarks.report import percentile
from tests.outage_benchmark.measure import OutagePlan, OutageResult

COLUMN_HEADINGS = (
    *("outage", "before", "during", "after", "after / before", "first batch s", "first event s"),
    *("events before ms", "events after ms", "same processes"),
)


def ratio(result: OutageResult) -> float:
    """Throughput after the outage, relative to before; medians of the windows."""
    return median(result.after) / max(median(result.before), 1e-9)


def one_line(result: OutageResult) -> str:
    """One result as a line."""
    return " | ".join([*_row(result), result.verdict])


def results_table(results: Sequence[OutageResult], plan: OutagePlan, rows: int) -> Table:
    """One row for each outage."""
    table = Table(title=f"outages of {plan.seconds:g} s under a load of {rows:,}-row workbooks, two replicas")
    for heading in COLUMN_HEADINGS:
        table.add_column(heading, justify="left" if heading == "outage" else "right")
    for result in results:
        table.add_row(*_row(result))
    table.caption = (
        f"rows per second, medians of {plan.windows} windows of {plan.window_seconds:g} s (spread); "
        "first batch and event: after the outage has ended; events: median / 99th percentile"
    )
    return table


def _row(result: OutageResult) -> tuple[str, ...]:
    return (
        result.outage,
        _rates(result.before),
        f"{result.during:,.0f}",
        _rates(result.after),
        f"{ratio(result):.2f}",
        f"{result.first_batch:.1f}",
        f"{result.first_event:.1f}",
        _latencies(result.latencies_before),
        _latencies(result.latencies_after),
        "yes" if result.same_processes else "NO",
    )


def _rates(rates: Sequence[float]) -> str:
    return f"{median(rates):,.0f} ({min(rates):,.0f} – {max(rates):,.0f})"


def _latencies(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none"
    return f"{1000 * median(seconds):.0f} / {1000 * percentile(seconds, 0.99):.0f}"


def verdict_lines(results: Sequence[OutageResult]) -> list[str]:
    """The verdicts of the oracle; the last line, with the lowest ratio, is read by programs."""
    verdicts = [f"{result.outage}: {result.verdict}" for result in results]
    return [*verdicts, f"recovery ratio lowest {min(map(ratio, results)):.2f}"]
