"""`make bench`: this service and a bare load of the same rows, in turn, in one run.

Only ratios count. The last line is `ratio first F unchanged U`.
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
from benchmarks.runner import ROWS, BenchmarkPlan, BenchmarkResult, run_benchmark
from benchmarks.service import BenchmarkError
from devstack.errors import StackError
from devstack.signals import exit_on_sigterm
from devstack.stack import start_stack

LOG = Path(".devstack/bench.log")
"""What the measured service says."""
QUICK = BenchmarkPlan(
    rows=ROWS // 10, rounds=2, sizes=False, table_rows=TABLE_ROWS // 10, large_table_rows=None
)


def main(
    rounds: Annotated[int, typer.Option(min=1, help="peer, first and unchanged load, so many times")] = 5,
    quick: Annotated[bool, typer.Option("--quick", help="a tenth of the rows, two rounds, no sizes")] = False,
    sizes: Annotated[bool, typer.Option(help="also other sizes, and ten files at once")] = True,
    stack_kind: Annotated[
        str, typer.Option("--stack", envvar="MIGRATION_STACK", help="embedded, docker, external or auto")
    ] = "embedded",
) -> None:
    """Measure, print tables, and end with the ratios."""
    exit_on_sigterm()
    plan = (
        QUICK
        if quick
        else BenchmarkPlan(rounds=rounds, sizes=sizes, large_table_rows=LARGE_ROWS if sizes else None)
    )
    console = Console(width=None if sys.stdout.isatty() else 110)
    LOG.parent.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, start_stack(stack_kind) as servers:
            found = asyncio.run(run_benchmark(servers.env, plan, Path(folder), LOG))
    except (BenchmarkError, StackError) as failure:
        console.print(f"bench: {failure}", style="red", highlight=False)
        raise typer.Exit(1) from None
    print_report(console, plan, found)
    raise typer.Exit(1 if found.mismatches else 0)


def print_report(console: Console, plan: BenchmarkPlan, result: BenchmarkResult) -> None:
    """Print what was found; the last line is for machines."""
    parts = [report.rounds_table(result.rounds, plan.rows)]
    if result.sizes:
        parts.append(report.sizes_table(result.sizes, result.median_first_load, plan.rows))
    parts.append(report.database_table(result.database))
    lines = [
        report.upload_line(result.upload_mib, result.upload_seconds),
        report.latency_line(result.latencies),
        report.lag_line(result.metrics),
        *(f"WRONG COUNT: {mistake}" for mistake in result.mismatches),
    ]
    report.show(console, *parts, *lines)
    print(report.ratio_line(result.database.rounds, "database ratio"))
    print(report.ratio_line(result.rounds))


if __name__ == "__main__":
    typer.run(main)
