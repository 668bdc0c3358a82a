"""`make takeover`: ends owners in the middle of their jobs, and measures how soon others take over."""

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
from benchmarks.errors import BenchmarkError
from benchmarks.takeover import report
from benchmarks.takeover.replicas import Replicas
from benchmarks.takeover.shutdown_timings import ShutdownTiming, ShutdownTimings
from benchmarks.takeover.takeover_timings import CONCURRENT_JOBS, TakeoverBenchmark, TakeoverTimings
from consumer.sources.base import DATABASE_BATCH_ROWS
from devstack.errors import StackError
from devstack.fakedata.admin_panel import create_chats_table
from devstack.service import migrate_schema
from devstack.signals import exit_on_sigterm
from devstack.stack import Stack
from devstack.stack_kinds import start_stack
from messaging.connection import KafkaConnection

TABLE_COUNT = 6
CREATE_WRITE_COUNTER = """
create sequence writes;
create function count_write() returns trigger language plpgsql as $$
  begin perform nextval('public.writes'); return new; end $$;
create trigger count_write before insert on directory.chats for each row execute function count_write();
"""
"""Counts all inserts, rolled back ones included: `nextval` is not transactional."""
COUNT_REPEATED_WRITES = """
select case when is_called then last_value else 0 end - (select count(*) from directory.chats) from writes
"""


def main(
    runs: Annotated[int, typer.Option(min=2, help="takeovers for each signal")] = 30,
    rows: Annotated[int, typer.Option(min=100_000, help="rows of each source table")] = 300_000,
    seed: Annotated[int, typer.Option(help="seed of the times of the signals")] = 1,
) -> None:
    """Measure and print; exit code 1 when a promised bound is exceeded."""
    exit_on_sigterm()
    try:
        with tempfile.TemporaryDirectory(prefix="takeover-") as folder, start_stack("embedded") as stack:
            broken = asyncio.run(_measure(stack, Path(folder), runs, rows, seed))
    except (BenchmarkError, StackError) as error:
        print(f"takeover: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    raise typer.Exit(1 if broken else 0)


async def _measure(stack: Stack, folder: Path, runs: int, rows: int, seed: int) -> list[str]:
    started = time.monotonic()
    migrate_schema(stack.env)
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
        benchmark = TakeoverBenchmark(
            replicas,
            stack.database_url,
            await asyncpg.connect(stack.database_url),
            KafkaConnection(stack.bootstrap_servers),
            itertools.cycle(tables),
            random.Random(seed),
        )
        await benchmark.database.execute(CREATE_WRITE_COUNTER)
        takeovers = []
        for number in (signal.SIGKILL, signal.SIGTERM):
            takeovers.append(await benchmark.measure_takeovers(number, runs))
            seconds = ", ".join(f"{value:.2f}" for value in takeovers[-1].seconds)
            print(
                f"takeover: seconds after {takeovers[-1].signal_name}: {seconds}", file=sys.stderr, flush=True
            )
        repeated = await benchmark.database.fetchval(COUNT_REPEATED_WRITES)
        shutdowns = await ShutdownTimings(benchmark, stack).measure_all()
        await benchmark.database.close()
    return _print_report(takeovers, repeated, shutdowns, time.monotonic() - started)


def _print_report(
    takeovers: list[TakeoverTimings], repeated: int, shutdowns: list[ShutdownTiming], seconds: float
) -> list[str]:
    count = sum(len(timings.seconds) for timings in takeovers)
    broken = report.broken_promises(takeovers, shutdowns)
    lines = [
        *report.takeover_lines(takeovers),
        report.repeated_line(repeated, count, DATABASE_BATCH_ROWS),
        "",
        *report.shutdown_lines(shutdowns),
        "",
        *(f"BROKEN PROMISE: {promise}" for promise in broken),
        f"measured in {seconds:.0f} s",
    ]
    print("\n".join(lines))
    return broken


if __name__ == "__main__":
    typer.run(main)
