"""`make recovery`: outages of all the service leans on, under load, with the same two replicas throughout."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.recovery import report
from benchmarks.recovery.measure import OUTAGES, WELL, Finding, Plan, measure
from devstack.ending import end_at_sigterm
from tests.acceptance.faults.leaning import LeaningWorld, leaning_world
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge

REPLICAS = 2
AS_DELIVERED = {
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
    end_at_sigterm()
    names = [name for name in OUTAGES if name in (only or OUTAGES)]
    plan = Plan(seconds)
    console = Console(width=None if sys.stdout.isatty() else 200)
    with tempfile.TemporaryDirectory(prefix="recovery-") as folder:
        book = Book.make(Path(folder) / "chats.xlsx", rows)
        findings = _measured(Path(folder), book, names, plan)
    console.print(report.table(findings, plan, rows), highlight=False)
    for line in report.lines(findings):
        print(line)
    bad = [one for one in findings if not one.same_processes or one.verdict != WELL]
    raise typer.Exit(1 if bad else 0)


def _measured(folder: Path, book: Book, names: list[str], plan: Plan) -> list[Finding]:
    with leaning_world(folder) as world:
        for _ in range(REPLICAS):
            world.replica(**AS_DELIVERED)
        findings = [_one(world, book, name, plan) for name in names]
        judge(world)
        return findings


def _one(world: LeaningWorld, book: Book, name: str, plan: Plan) -> Finding:
    found = asyncio.run(measure(world, book, name, plan))
    print(report.brief(found), file=sys.stderr)
    return found


if __name__ == "__main__":
    typer.run(main)
