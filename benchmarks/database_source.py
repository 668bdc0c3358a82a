"""Measures a database source: first and unchanged loads against the baseline, and a large first load."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from benchmarks import database
from benchmarks.client import database_source
from benchmarks.measure import Round, ServiceBenchmark, Timing
from benchmarks.memory import MemorySampler
from devstack.fakedata.admin_panel import create_chats_table
from devstack.fakedata.expected import ExpectedCounts

ROWS = 500_000
LARGE_ROWS = 5_000_000


@dataclass(frozen=True, slots=True)
class DatabaseResult:
    """Rounds with a table of `rows`, and a first load of `large_rows` when the plan has one."""

    rows: int
    rounds: Sequence[Round]
    large_rows: int
    large: Timing | None


class SourceDatabases:
    """Temporary source databases on the same server, by connection name."""

    def __init__(self, dsn: str, sizes: Sequence[int]) -> None:
        self._dsn = dsn
        self._sizes = sizes
        self._stack = AsyncExitStack()
        self.urls: dict[str, str] = {}
        self.expected: dict[str, ExpectedCounts] = {}

    async def __aenter__(self) -> Self:
        for rows in self._sizes:
            name = connection_name(rows)
            self.urls[name] = await self._stack.enter_async_context(database.temporary_database(self._dsn))
            self.expected[name] = await asyncio.to_thread(create_chats_table, self.urls[name], rows, seed=1)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()


def connection_name(rows: int) -> str:
    """The connection name of the database whose table has this many rows."""
    return f"rows_{rows}"


async def measure_database(
    benchmark: ServiceBenchmark, sources: SourceDatabases, rounds: int, rows: int, large_rows: int | None
) -> DatabaseResult:
    """Measure baseline, first and unchanged load in turn; then one large first load."""
    results = [await _run_round(benchmark, sources, connection_name(rows)) for _ in range(rounds)]
    large = None
    if large_rows is not None:
        await database.truncate_tables(benchmark.dsn)
        large = await _load(benchmark, sources.expected, connection_name(large_rows), repeat=False)
    return DatabaseResult(rows, results, large_rows or 0, large)


async def _run_round(benchmark: ServiceBenchmark, sources: SourceDatabases, name: str) -> Round:
    baseline = await benchmark.run_baseline(
        "benchmarks.baseline_copy", "chats", SOURCE_URL=sources.urls[name]
    )
    await database.truncate_tables(benchmark.dsn)
    first = await _load(benchmark, sources.expected, name, repeat=False)
    await database.vacuum_tables(benchmark.dsn)
    return Round(baseline, first, await _load(benchmark, sources.expected, name, repeat=True))


async def _load(
    benchmark: ServiceBenchmark, expected: Mapping[str, ExpectedCounts], name: str, *, repeat: bool
) -> Timing:
    with MemorySampler(benchmark.service.pid) as memory:
        completed = await benchmark.client.run_imports([database_source(name)])
    for event in completed.events:
        benchmark.compare(event, expected[name], repeat=repeat)
    return Timing(completed.seconds, memory.peak_mib)
