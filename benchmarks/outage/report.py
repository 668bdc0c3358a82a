"""The table of outages."""

from collections.abc import Sequence
from statistics import median

from rich.table import Table

from benchmarks.outage.measure import OutagePlan, OutageResult

COLUMN_HEADINGS = (
    *("outage", "before", "during", "after", "after / before", "first batch s", "first event s"),
    *("events before ms", "events after ms", "same processes"),
)


def ratio(result: OutageResult) -> float:
    """After by before, each the median of its windows."""
    return median(result.after) / max(median(result.before), 1e-9)


def one_line(result: OutageResult) -> str:
    """One finding in a line, told as soon as it is there."""
    return " | ".join([*_row(result), result.verdict])


def results_table(results: Sequence[OutageResult], plan: OutagePlan, rows: int) -> Table:
    """One row for each outage."""
    made = Table(title=f"outages of {plan.seconds:g} s under a load of {rows:,}-row workbooks, two replicas")
    for heading in COLUMN_HEADINGS:
        made.add_column(heading, justify="left" if heading == "outage" else "right")
    for found in results:
        made.add_row(*_row(found))
    made.caption = (
        f"rows a second, medians of {plan.windows} windows of {plan.window_seconds:g} s (their spread); "
        "first batch and event: after the servers are back; events: median / 99th percentile"
    )
    return made


def _row(found: OutageResult) -> tuple[str, ...]:
    return (
        found.outage,
        _rates(found.before),
        f"{found.during:,.0f}",
        _rates(found.after),
        f"{ratio(found):.2f}",
        f"{found.first_batch:.1f}",
        f"{found.first_event:.1f}",
        _latencies(found.latencies_before),
        _latencies(found.latencies_after),
        "yes" if found.same_processes else "NO",
    )


def _rates(rates: Sequence[float]) -> str:
    return f"{median(rates):,.0f} ({min(rates):,.0f} – {max(rates):,.0f})"


def _latencies(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none"
    ordered = sorted(1000 * one for one in seconds)
    return f"{median(ordered):.0f} / {ordered[int(0.99 * (len(ordered) - 1))]:.0f}"


def verdict_lines(results: Sequence[OutageResult]) -> list[str]:
    """The oracle's verdicts, and for machines the lowest ratio."""
    told = [f"{found.outage}: {found.verdict}" for found in results]
    return [*told, f"recovery ratio lowest {min(map(ratio, results)):.2f}"]
