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
from benchmarks.scenario import ROWS, Findings, Plan, measure
from benchmarks.service import BenchFailed
from benchmarks.tables import MANY_ROWS
from benchmarks.tables import ROWS as TABLE_ROWS
from devstack.ending import end_at_sigterm
from devstack.errors import StackError
from devstack.stack import start

LOG = Path(".devstack/bench.log")
"""What the measured service says."""
QUICK = Plan(rows=ROWS // 10, rounds=2, sizes=False, table_rows=TABLE_ROWS // 10, many_rows=None)


def main(
    rounds: Annotated[int, typer.Option(min=1, help="peer, first and unchanged load, so many times")] = 5,
    quick: Annotated[bool, typer.Option("--quick", help="a tenth of the rows, two rounds, no sizes")] = False,
    sizes: Annotated[bool, typer.Option(help="also other sizes, and ten files at once")] = True,
    kind: Annotated[
        str, typer.Option("--stack", envvar="MIGRATION_STACK", help="embedded, docker, external or auto")
    ] = "embedded",
) -> None:
    """Measure, print tables, and end with the ratios."""
    end_at_sigterm()
    plan = QUICK if quick else Plan(rounds=rounds, sizes=sizes, many_rows=MANY_ROWS if sizes else None)
    console = Console(width=None if sys.stdout.isatty() else 110)
    LOG.parent.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, start(kind) as servers:
            found = asyncio.run(measure(servers.env, plan, Path(folder), LOG))
    except (BenchFailed, StackError) as failure:
        console.print(f"bench: {failure}", style="red", highlight=False)
        raise typer.Exit(1) from None
    tell(console, plan, found)
    raise typer.Exit(1 if found.mistakes else 0)


def tell(console: Console, plan: Plan, found: Findings) -> None:
    """Print what was found; the last line is for machines."""
    parts = [report.rounds_table(found.rounds, plan.rows)]
    if found.sizes:
        parts.append(report.sizes_table(found.sizes, found.base, plan.rows))
    parts.append(report.tables_table(found.tables))
    lines = [
        report.upload_line(found.upload_mib, found.upload_seconds),
        report.latency_line(found.latencies),
        report.lag_line(found.metrics),
        *(f"WRONG COUNT: {mistake}" for mistake in found.mistakes),
    ]
    report.show(console, *parts, *lines)
    print(report.ratio_line(found.tables.rounds, "database ratio"))
    print(report.ratio_line(found.rounds))


if __name__ == "__main__":
    typer.run(main)
