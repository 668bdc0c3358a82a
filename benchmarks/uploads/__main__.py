"""`make bench-uploads`: measures how HTTP uploads affect a job that runs at the same time.

Only ratios are comparable. The last line is `uploads ratio slow S fast F`.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.errors import BenchmarkError
from benchmarks.uploads import report
from benchmarks.uploads.measure import WARM, WORKBOOK, UploadPlan, UploadResult, measure_rounds
from benchmarks.uploads.upload_clients import make_sparse_file
from devstack.errors import StackError
from devstack.fakedata.workbook import make_workbook
from devstack.signals import exit_on_sigterm
from devstack.stack import Stack
from devstack.stack_kinds import start_stack

LOG = Path(".devstack/bench-uploads.log")
"""The log of the measured service."""
WARM_ROWS = 2_000


def main(
    rounds: Annotated[int, typer.Option(min=1, help="measurements with each profile of clients")] = 3,
    rows: Annotated[int, typer.Option(min=1000, help="rows of the job")] = 155_000,
) -> None:
    """Measure and print; exit code 1 when a bound is exceeded."""
    exit_on_sigterm()
    LOG.parent.mkdir(exist_ok=True)
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        with tempfile.TemporaryDirectory(prefix="uploads-") as folder, start_stack("embedded") as stack:
            results = asyncio.run(_measure(stack, Path(folder), rounds, rows))
    except (BenchmarkError, StackError) as error:
        console.print(f"bench-uploads: {error}", style="red", highlight=False)
        raise typer.Exit(1) from None
    broken = report.broken_bounds(results)
    console.print(report.results_table(results, rows), highlight=False)
    for line in [*report.response_lines(results), *(f"BROKEN BOUND: {bound}" for bound in broken)]:
        print(line)
    print(report.ratio_line(results))
    raise typer.Exit(1 if broken else 0)


async def _measure(stack: Stack, folder: Path, rounds: int, rows: int) -> list[UploadResult]:
    expected = {
        name: make_workbook(folder / name, rows=count, seed=seed, unstorable=False)
        for seed, (name, count) in enumerate({WARM: WARM_ROWS, WORKBOOK: rows}.items(), 1)
    }
    plan = UploadPlan(stack.env, folder, expected, make_sparse_file(folder / "upload.bin"), LOG)
    results = []
    async for result in measure_rounds(plan, rounds):
        print(report.one_line(result), file=sys.stderr, flush=True)
        results.append(result)
    return results


if __name__ == "__main__":
    typer.run(main)
