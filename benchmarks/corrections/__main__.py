"""`make bench-corrections`: measures dry runs, the export of rejected rows, and corrections.

Each figure is printed beside its limit; exit code 1 when one is exceeded or a count is wrong.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import httpx
import typer

from benchmarks.client import connect
from benchmarks.corrections.measure import CORRECTED_ROWS, WARM, WORKBOOK, CorrectionBenchmark
from benchmarks.corrections.report import import_ratio_line, limit_lines
from benchmarks.errors import BenchmarkError
from devstack.errors import StackError
from devstack.fakedata.workbook import make_workbook
from devstack.service import running_service
from devstack.signals import exit_on_sigterm
from devstack.stack import Stack
from devstack.stack_kinds import start_stack

LOG = Path(".devstack/bench-corrections.log")
"""The log of the measured service."""
WARM_ROWS = 2_000
MIN_ROWS = 75_000
"""A workbook with enough rejected rows for one correction."""


def main(
    rounds: Annotated[int, typer.Option(min=1, help="dry runs, imports and exports")] = 3,
    rows: Annotated[
        int, typer.Option(min=MIN_ROWS, help="rows of the workbook, 7 % of them wrong")
    ] = 155_000,
    rejected: Annotated[int, typer.Option(min=1, help="rejected rows to export")] = 155_000,
) -> None:
    """Measure and print."""
    exit_on_sigterm()
    LOG.parent.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="corrections-") as folder, start_stack("embedded") as stack:
            benchmark = asyncio.run(_measure(stack, Path(folder), rounds, rows, rejected))
    except (BenchmarkError, StackError, httpx.HTTPError) as error:
        print(f"bench-corrections: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    lines = limit_lines(benchmark)
    for line in lines:
        print(line.text)
    print(import_ratio_line(benchmark))
    for mismatch in benchmark.mismatches:
        print(f"WRONG COUNT: {mismatch}")
    raise typer.Exit(1 if benchmark.mismatches or any(line.is_exceeded for line in lines) else 0)


async def _measure(stack: Stack, folder: Path, rounds: int, rows: int, rejected: int) -> CorrectionBenchmark:
    make_workbook(folder / WARM, rows=WARM_ROWS, seed=2)
    expected = make_workbook(folder / WORKBOOK, rows=rows)
    print(f"{rows:,} rows, {expected.failed:,} rejected; {CORRECTED_ROWS:,} corrected at a time", flush=True)
    with running_service({**stack.env, "MIGRATION_INBOX": str(folder)}, LOG) as service:
        async with connect(stack.env) as client:
            benchmark = CorrectionBenchmark(stack.database_url, folder, service, client, expected)
            async for line in benchmark.run(rounds, rejected):
                print(line, flush=True)
    return benchmark


if __name__ == "__main__":
    typer.run(main)
