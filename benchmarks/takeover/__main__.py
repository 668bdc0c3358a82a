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

from benchmarks.database import another
from benchmarks.service import BenchFailed, bring_up_to_date
from benchmarks.takeover import report
from benchmarks.takeover.exits import Exit, Exits
from benchmarks.takeover.replicas import Replicas
from benchmarks.takeover.takes import JOBS, Bench, Takes
from consumer.sources.base import TABLE_BATCH_ROWS
from devstack.admin_panel import make_table
from devstack.ending import end_at_sigterm
from devstack.stack import Stack, start
from messaging.connection import KafkaConnection

TABLES = 6
COUNT_WRITES = """
create sequence writes;
create function count_write() returns trigger language plpgsql as $$
  begin perform nextval('public.writes'); return new; end $$;
create trigger count_write before insert on directory.chats for each row execute function count_write();
"""
"""A sequence forgets nothing when a transaction is rolled back."""
REPEATED = """
select case when is_called then last_value else 0 end - (select count(*) from directory.chats) from writes
"""


def main(
    runs: Annotated[int, typer.Option(min=2, help="take-overs for each signal")] = 30,
    rows: Annotated[int, typer.Option(min=100_000, help="in each table")] = 300_000,
    seed: Annotated[int, typer.Option(help="of the moments of the signals")] = 1,
) -> None:
    """Measure, print, exit 1 where a promise does not hold."""
    end_at_sigterm()
    with tempfile.TemporaryDirectory(prefix="takeover-") as folder, start("embedded") as stack:
        try:
            bad = asyncio.run(_measure(stack, Path(folder), runs, rows, seed))
        except BenchFailed as failure:
            print(f"takeover: {failure}", file=sys.stderr)
            raise typer.Exit(1) from None
    raise typer.Exit(1 if bad else 0)


async def _measure(stack: Stack, folder: Path, runs: int, rows: int, seed: int) -> list[str]:
    began = time.monotonic()
    bring_up_to_date(stack.env, folder / "migrate.log")
    async with AsyncExitStack() as resources:
        tables = {}
        for number in range(TABLES):
            tables[f"t{number}"] = dsn = await resources.enter_async_context(another(stack.database_url))
            await asyncio.to_thread(make_table, dsn, rows, seed * TABLES + number)
        environment = {
            **stack.env,
            "MIGRATION_CONNECTIONS": json.dumps(tables),
            "MIGRATION_MAX_RUNNING_JOBS": str(JOBS),
        }
        replicas = Replicas(environment, folder)
        resources.callback(replicas.stop)
        bench = Bench(
            replicas,
            stack.database_url,
            await asyncpg.connect(stack.database_url),
            KafkaConnection(stack.bootstrap_servers),
            itertools.cycle(tables),
            random.Random(seed),
        )
        await bench.database.execute(COUNT_WRITES)
        takes = []
        for number in (signal.SIGKILL, signal.SIGTERM):
            takes.append(await bench.take_overs(number, runs))
            seconds = ", ".join(f"{one:.2f}" for one in takes[-1].seconds)
            print(f"takeover: seconds after {takes[-1].name}: {seconds}", file=sys.stderr, flush=True)
        repeated = await bench.database.fetchval(REPEATED)
        exits = await Exits(bench, stack).all()
        await bench.database.close()
    return _tell(takes, repeated, exits, time.monotonic() - began)


def _tell(takes: list[Takes], repeated: int, exits: list[Exit], took: float) -> list[str]:
    ends = sum(len(one.seconds) for one in takes)
    bad = report.broken(takes, exits)
    lines = [
        *report.takes_lines(takes),
        report.repeated_line(repeated, ends, TABLE_BATCH_ROWS),
        "",
        *report.exit_lines(exits),
        "",
        *(f"BROKEN PROMISE: {one}" for one in bad),
        f"measured in {took:.0f} s",
    ]
    print("\n".join(lines))
    return bad


if __name__ == "__main__":
    typer.run(main)
