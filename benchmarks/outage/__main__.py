"""`make recovery`: outages of all the service leans on, under load, with the same two replicas throughout."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.outage import report
from benchmarks.outage.measure import OK_VERDICT, OUTAGES, OutagePlan, OutageResult, measure_outage
from devstack.signals import exit_on_sigterm
from tests.acceptance.faults.outage_harness import OutageHarness, start_outage_harness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants

REPLICAS = 2
REPLICA_SETTINGS = {
    "MIGRATION_LEASE_SECONDS": "10",
    "MIGRATION_HEARTBEAT_SECONDS": "3",
    "MIGRATION_BATCH_ROWS": "2000",
}
"""The service's own leases; batches small enough to be counted by the second."""


def main(
    seconds: Annotated[float, typer.Option(min=1, help="how long each outage lasts")] = 60.0,
    rows: Annotated[int, typer.Option(min=1000, help="rows of the workbook")] = 60_000,
    only: Annotated[list[str] | None, typer.Option(help=f"some of {', '.join(OUTAGES)}")] = None,
) -> None:
    """Measure each outage in turn, print the table, end with the lowest ratio of after to before."""
    exit_on_sigterm()
    names = [name for name in OUTAGES if name in (only or OUTAGES)]
    plan = OutagePlan(seconds)
    console = Console(width=None if sys.stdout.isatty() else 200)
    with tempfile.TemporaryDirectory(prefix="recovery-") as folder:
        book = GoldenWorkbook.make(Path(folder) / "chats.xlsx", rows)
        findings = _measure_outages(Path(folder), book, names, plan)
    console.print(report.results_table(findings, plan, rows), highlight=False)
    for line in report.verdict_lines(findings):
        print(line)
    bad = [one for one in findings if not one.same_processes or one.verdict != OK_VERDICT]
    raise typer.Exit(1 if bad else 0)


def _measure_outages(
    folder: Path, workbook: GoldenWorkbook, names: list[str], plan: OutagePlan
) -> list[OutageResult]:
    with start_outage_harness(folder) as world:
        for _ in range(REPLICAS):
            world.start_replica(**REPLICA_SETTINGS)
        findings = [_measure_one(world, workbook, name, plan) for name in names]
        assert_invariants(world)
        return findings


def _measure_one(world: OutageHarness, workbook: GoldenWorkbook, name: str, plan: OutagePlan) -> OutageResult:
    found = asyncio.run(measure_outage(world, workbook, name, plan))
    print(report.one_line(found), file=sys.stderr)
    return found


if __name__ == "__main__":
    typer.run(main)
