"""`make bench-uploads`: what uploads over HTTP cost a job that runs at the same time.

Only ratios count. The last line is `uploads ratio slow S fast F`.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.service import BenchFailed
from benchmarks.uploads import report
from benchmarks.uploads.crowd import make_file
from benchmarks.uploads.measure import BOOK, WARM, Measured, Plan, measure_rounds
from benchmarks.workbook import make_workbook
from devstack.ending import end_at_sigterm
from devstack.errors import StackError
from devstack.stack import Stack, start

LOG = Path(".devstack/bench-uploads.log")
"""What the measured service says."""
WARM_ROWS = 2_000


def main(
    rounds: Annotated[int, typer.Option(min=1, help="each crowd of clients, so many times")] = 3,
    rows: Annotated[int, typer.Option(min=1000, help="rows of the job")] = 155_000,
) -> None:
    """Measure, print, exit 1 where a bound does not hold."""
    end_at_sigterm()
    LOG.parent.mkdir(exist_ok=True)
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        with tempfile.TemporaryDirectory(prefix="uploads-") as folder, start("embedded") as stack:
            found = asyncio.run(_measure(stack, Path(folder), rounds, rows))
    except (BenchFailed, StackError) as failure:
        console.print(f"bench-uploads: {failure}", style="red", highlight=False)
        raise typer.Exit(1) from None
    bad = report.broken(found)
    console.print(report.table(found, rows), highlight=False)
    for line in [*report.response_lines(found), *(f"BROKEN BOUND: {one}" for one in bad)]:
        print(line)
    print(report.ratio_line(found))
    raise typer.Exit(1 if bad else 0)


async def _measure(stack: Stack, folder: Path, rounds: int, rows: int) -> list[Measured]:
    books = {
        name: make_workbook(folder / name, rows=many, seed=seed, unstorable=False)
        for seed, (name, many) in enumerate({WARM: WARM_ROWS, BOOK: rows}.items(), 1)
    }
    plan = Plan(stack.env, folder, books, make_file(folder / "upload.bin"), LOG)
    found = []
    async for one in measure_rounds(plan, rounds):
        print(report.brief(one), file=sys.stderr, flush=True)
        found.append(one)
    return found


if __name__ == "__main__":
    typer.run(main)
