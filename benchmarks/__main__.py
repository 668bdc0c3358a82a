"""`make bench`: measures the service and a baseline, a bare load of the same rows, in turn.

Seconds depend on the machine, so only ratios are comparable. The last line is `ratio first F unchanged U`.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import report
from benchmarks.database_source import LARGE_ROWS
from benchmarks.database_source import ROWS as TABLE_ROWS
from benchmarks.errors import BenchmarkError
from benchmarks.runner import ROWS, BenchmarkPlan, BenchmarkResult, run_benchmark
from devstack.errors import StackError
from devstack.signals import exit_on_sigterm
from devstack.stack_kinds import start_stack

LOG = Path(".devstack/bench.log")
"""The log of the measured service."""
QUICK = BenchmarkPlan(
    rows=ROWS // 10, rounds=2, sizes=False, table_rows=TABLE_ROWS // 10, large_table_rows=None
)


def main(
    rounds: Annotated[int, typer.Option(min=1, help="rounds of baseline, first and unchanged load")] = 5,
    quick: Annotated[
        bool, typer.Option("--quick", help="a tenth of the rows, two rounds, no other sizes")
    ] = False,
    sizes: Annotated[bool, typer.Option(help="also measure other sizes, and ten files at once")] = True,
    stack_kind: Annotated[
        str, typer.Option("--stack", envvar="MIGRATION_STACK", help="embedded, docker, external or auto")
    ] = "embedded",
) -> None:
    """Measure, print tables, and end with the ratios; exit code 1 when a count is wrong."""
    exit_on_sigterm()
    plan = (
        QUICK
        if quick
        else BenchmarkPlan(rounds=rounds, sizes=sizes, large_table_rows=LARGE_ROWS if sizes else None)
    )
    console = Console(width=None if sys.stdout.isatty() else 110)
    LOG.parent.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, start_stack(stack_kind) as stack:
            result = asyncio.run(run_benchmark(stack.env, plan, Path(folder), LOG))
    except (BenchmarkError, StackError) as error:
        console.print(f"bench: {error}", style="red", highlight=False)
        raise typer.Exit(1) from None
    print_report(console, plan, result)
    raise typer.Exit(1 if result.mismatches else 0)


def print_report(console: Console, plan: BenchmarkPlan, result: BenchmarkResult) -> None:
    """Print tables and lines; the last one is read by programs."""
    parts = [report.rounds_table(result.rounds, plan.rows)]
    if result.sizes:
        parts.append(report.sizes_table(result.sizes, result.median_first_load, plan.rows))
    parts.append(report.database_table(result.database))
    lines = [
        report.upload_line(result.upload_mib, result.upload_seconds),
        report.latency_line(result.latencies),
        report.lag_line(result.metrics),
        *(f"WRONG COUNT: {mismatch}" for mismatch in result.mismatches),
    ]
    report.show(console, *parts, *lines)
    print(report.ratio_line(result.database.rounds, "database ratio"))
    print(report.ratio_line(result.rounds))


if __name__ == "__main__":
    typer.run(main)
