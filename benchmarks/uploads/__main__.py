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

from benchmarks.service import BenchmarkError
from benchmarks.uploads import report
from benchmarks.uploads.measure import WARM, WORKBOOK, UploadPlan, UploadResult, measure_rounds
from benchmarks.uploads.upload_clients import make_sparse_file
from devstack.errors import StackError
from devstack.fakedata.workbook import make_workbook
from devstack.signals import exit_on_sigterm
from devstack.stack import Stack, start_stack

LOG = Path(".devstack/bench-uploads.log")
"""What the measured service says."""
WARM_ROWS = 2_000


def main(
    rounds: Annotated[int, typer.Option(min=1, help="each crowd of clients, so many times")] = 3,
    rows: Annotated[int, typer.Option(min=1000, help="rows of the job")] = 155_000,
) -> None:
    """Measure, print, exit 1 where a bound does not hold."""
    exit_on_sigterm()
    LOG.parent.mkdir(exist_ok=True)
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        with tempfile.TemporaryDirectory(prefix="uploads-") as folder, start_stack("embedded") as stack:
            found = asyncio.run(_measure(stack, Path(folder), rounds, rows))
    except (BenchmarkError, StackError) as failure:
        console.print(f"bench-uploads: {failure}", style="red", highlight=False)
        raise typer.Exit(1) from None
    bad = report.broken_bounds(found)
    console.print(report.results_table(found, rows), highlight=False)
    for line in [*report.response_lines(found), *(f"BROKEN BOUND: {one}" for one in bad)]:
        print(line)
    print(report.ratio_line(found))
    raise typer.Exit(1 if bad else 0)


async def _measure(stack: Stack, folder: Path, rounds: int, rows: int) -> list[UploadResult]:
    books = {
        name: make_workbook(folder / name, rows=many, seed=seed, unstorable=False)
        for seed, (name, many) in enumerate({WARM: WARM_ROWS, WORKBOOK: rows}.items(), 1)
    }
    plan = UploadPlan(stack.env, folder, books, make_sparse_file(folder / "upload.bin"), LOG)
    found = []
    async for one in measure_rounds(plan, rounds):
        print(report.one_line(one), file=sys.stderr, flush=True)
        found.append(one)
    return found


if __name__ == "__main__":
    typer.run(main)
