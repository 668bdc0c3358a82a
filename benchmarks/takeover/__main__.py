"""`make takeover`: ends owners in the middle of their jobs, and says how soon another replica goes on."""

import asyncio
import itertools
import json
import random
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from benchmarks.database import temporary_database
from benchmarks.service import BenchmarkError, migrate_schema
from benchmarks.takeover import report
from benchmarks.takeover.replicas import Replicas
from benchmarks.takeover.shutdown_timings import ShutdownTiming, ShutdownTimings
from benchmarks.takeover.takeover_timings import CONCURRENT_JOBS, TakeoverBenchmark, TakeoverTimings
from consumer.sources.base import DATABASE_BATCH_ROWS
from devstack.fakedata.admin_panel import create_chats_table
from devstack.signals import exit_on_sigterm
from devstack.stack import Stack, start_stack
from messaging.connection import KafkaConnection

TABLE_COUNT = 6
CREATE_WRITE_COUNTER = """
create sequence writes;
create function count_write() returns trigger language plpgsql as $$
  begin perform nextval('public.writes'); return new; end $$;
create trigger count_write before insert on directory.chats for each row execute function count_write();
"""
"""A sequence forgets nothing when a transaction is rolled back."""
COUNT_REPEATED_WRITES = """
select case when is_called then last_value else 0 end - (select count(*) from directory.chats) from writes
"""


def main(
    runs: Annotated[int, typer.Option(min=2, help="take-overs for each signal")] = 30,
    rows: Annotated[int, typer.Option(min=100_000, help="in each table")] = 300_000,
    seed: Annotated[int, typer.Option(help="of the moments of the signals")] = 1,
) -> None:
    """Measure, print, exit 1 where a promise does not hold."""
    exit_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="takeover-") as folder, start_stack("embedded") as stack:
        try:
            bad = asyncio.run(_measure(stack, Path(folder), runs, rows, seed))
        except BenchmarkError as failure:
            print(f"takeover: {failure}", file=sys.stderr)
            raise typer.Exit(1) from None
    raise typer.Exit(1 if bad else 0)


async def _measure(stack: Stack, folder: Path, runs: int, rows: int, seed: int) -> list[str]:
    began = time.monotonic()
    migrate_schema(stack.env, folder / "migrate.log")
    async with AsyncExitStack() as resources:
        tables = {}
        for number in range(TABLE_COUNT):
            tables[f"t{number}"] = dsn = await resources.enter_async_context(
                temporary_database(stack.database_url)
            )
            await asyncio.to_thread(create_chats_table, dsn, rows, seed * TABLE_COUNT + number)
        environment = {
            **stack.env,
            "MIGRATION_CONNECTIONS": json.dumps(tables),
            "MIGRATION_MAX_RUNNING_JOBS": str(CONCURRENT_JOBS),
        }
        replicas = Replicas(environment, folder)
        resources.callback(replicas.stop)
        bench = TakeoverBenchmark(
            replicas,
            stack.database_url,
            await asyncpg.connect(stack.database_url),
            KafkaConnection(stack.bootstrap_servers),
            itertools.cycle(tables),
            random.Random(seed),
        )
        await bench.database.execute(CREATE_WRITE_COUNTER)
        takes = []
        for number in (signal.SIGKILL, signal.SIGTERM):
            takes.append(await bench.measure_takeovers(number, runs))
            seconds = ", ".join(f"{one:.2f}" for one in takes[-1].seconds)
            print(f"takeover: seconds after {takes[-1].signal_name}: {seconds}", file=sys.stderr, flush=True)
        repeated = await bench.database.fetchval(COUNT_REPEATED_WRITES)
        exits = await ShutdownTimings(bench, stack).measure_all()
        await bench.database.close()
    return _print_report(takes, repeated, exits, time.monotonic() - began)


def _print_report(
    timings: list[TakeoverTimings], repeated: int, exits: list[ShutdownTiming], took: float
) -> list[str]:
    ends = sum(len(one.seconds) for one in timings)
    bad = report.broken_promises(timings, exits)
    lines = [
        *report.takeover_lines(timings),
        report.repeated_line(repeated, ends, DATABASE_BATCH_ROWS),
        "",
        *report.shutdown_lines(exits),
        "",
        *(f"BROKEN PROMISE: {one}" for one in bad),
        f"measured in {took:.0f} s",
    ]
    print("\n".join(lines))
    return bad


if __name__ == "__main__":
    typer.run(main)
