"""`make recovery`: measures outages of Postgres, Kafka and the network under load, with two replicas.

Here and not in `benchmarks/`, since the oracle of the fault tests checks the results.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from devstack.signals import exit_on_sigterm
from tests.acceptance.faults.outage_harness import OutageHarness, start_outage_harness
from tests.outage_benchmark import report
from tests.outage_benchmark.measure import OK_VERDICT, OUTAGES, OutagePlan, OutageResult, measure_outage
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants

REPLICAS = 2
REPLICA_SETTINGS = {
    "MIGRATION_LEASE_SECONDS": "10",
    "MIGRATION_HEARTBEAT_SECONDS": "3",
    "MIGRATION_BATCH_ROWS": "2000",
}
"""Default leases; batches small enough to measure progress every second."""


def main(
    seconds: Annotated[float, typer.Option(min=1, help="duration of each outage")] = 60.0,
    rows: Annotated[int, typer.Option(min=1000, help="rows of the workbook")] = 60_000,
    only: Annotated[list[str] | None, typer.Option(help=f"some of {', '.join(OUTAGES)}")] = None,
) -> None:
    """Measure the outages in turn; print a table and the lowest ratio of the throughput after to before."""
    exit_on_sigterm()
    names = [name for name in OUTAGES if name in (only or OUTAGES)]
    plan = OutagePlan(seconds)
    console = Console(width=None if sys.stdout.isatty() else 200)
    with tempfile.TemporaryDirectory(prefix="recovery-") as folder:
        workbook = GoldenWorkbook.make(Path(folder) / "chats.xlsx", rows)
        results = _measure_outages(Path(folder), workbook, names, plan)
    console.print(report.results_table(results, plan, rows), highlight=False)
    for line in report.verdict_lines(results):
        print(line)
    bad = [result for result in results if not result.same_processes or result.verdict != OK_VERDICT]
    raise typer.Exit(1 if bad else 0)


def _measure_outages(
    folder: Path, workbook: GoldenWorkbook, names: list[str], plan: OutagePlan
) -> list[OutageResult]:
    with start_outage_harness(folder) as harness:
        for _ in range(REPLICAS):
            harness.start_replica(**REPLICA_SETTINGS)
        results = [_measure_one(harness, workbook, name, plan) for name in names]
        assert_invariants(harness)
        return results


def _measure_one(
    harness: OutageHarness, workbook: GoldenWorkbook, name: str, plan: OutagePlan
) -> OutageResult:
    result = asyncio.run(measure_outage(harness, workbook, name, plan))
    print(report.one_line(result), file=sys.stderr)
    return result


if __name__ == "__main__":
    typer.run(main)
