"""A table of another database: first and unchanged loads against the bare pipe, and memory for many rows."""

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
from devstack.fakedata.chats import ExpectedCounts

ROWS = 500_000
LARGE_ROWS = 5_000_000


@dataclass(frozen=True, slots=True)
class DatabaseResult:
    """Rounds with the table of `rows`; a first load of `many_rows`, where it was asked for."""

    rows: int
    rounds: Sequence[Round]
    large_rows: int
    large: Timing | None


class SourceDatabases:
    """Source databases on the same server, by the connection names of requests; gone at the end."""

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
    """What a request calls the database with a table of so many rows."""
    return f"rows_{rows}"


async def measure_database(
    benchmark: ServiceBenchmark, sources: SourceDatabases, rounds: int, rows: int, large_rows: int | None
) -> DatabaseResult:
    """The pipe, a first and an unchanged load in turn; then one large first load."""
    found = [await _run_round(benchmark, sources, connection_name(rows)) for _ in range(rounds)]
    many = None
    if large_rows is not None:
        await database.truncate_tables(benchmark.dsn)
        many = await _load(benchmark, sources.expected, connection_name(large_rows), repeat=False)
    return DatabaseResult(rows, found, large_rows or 0, many)


async def _run_round(benchmark: ServiceBenchmark, sources: SourceDatabases, name: str) -> Round:
    peer = await benchmark.run_baseline("benchmarks.baseline_copy", "chats", SOURCE_URL=sources.urls[name])
    await database.truncate_tables(benchmark.dsn)
    first = await _load(benchmark, sources.expected, name, repeat=False)
    await database.vacuum_tables(benchmark.dsn)
    return Round(peer, first, await _load(benchmark, sources.expected, name, repeat=True))


async def _load(
    benchmark: ServiceBenchmark, expected: Mapping[str, ExpectedCounts], name: str, *, repeat: bool
) -> Timing:
    with MemorySampler(benchmark.service.pid) as memory:
        finished = await benchmark.client.run_imports([database_source(name)])
    for event in finished.events:
        benchmark.compare(event, expected[name], repeat=repeat)
    return Timing(finished.seconds, memory.peak_mib)
