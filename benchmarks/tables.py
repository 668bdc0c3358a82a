"""A table of another database: first and unchanged loads against the bare pipe, and memory for many rows."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from benchmarks import database
from benchmarks.client import table
from benchmarks.measure import Bench, Round, Timing
from benchmarks.memory import Sampler
from devstack.admin_panel import make_table
from devstack.chats import Expected

ROWS = 500_000
MANY_ROWS = 5_000_000


@dataclass(frozen=True, slots=True)
class TableFindings:
    """Rounds with the table of `rows`; a first load of `many_rows`, where it was asked for."""

    rows: int
    rounds: Sequence[Round]
    many_rows: int
    many: Timing | None


class Tables:
    """Source databases on the same server, by the connection names of requests; gone at the end."""

    def __init__(self, dsn: str, sizes: Sequence[int]) -> None:
        self._dsn = dsn
        self._sizes = sizes
        self._stack = AsyncExitStack()
        self.addresses: dict[str, str] = {}
        self.expected: dict[str, Expected] = {}

    async def __aenter__(self) -> Self:
        for rows in self._sizes:
            name = connection_name(rows)
            self.addresses[name] = await self._stack.enter_async_context(database.another(self._dsn))
            self.expected[name] = await asyncio.to_thread(make_table, self.addresses[name], rows, seed=1)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()


def connection_name(rows: int) -> str:
    """What a request calls the database with a table of so many rows."""
    return f"rows_{rows}"


async def measure_tables(
    bench: Bench, tables: Tables, rounds: int, rows: int, many_rows: int | None
) -> TableFindings:
    """The pipe, a first and an unchanged load in turn; then one large first load."""
    found = [await _round(bench, tables, connection_name(rows)) for _ in range(rounds)]
    many = None
    if many_rows is not None:
        await database.empty(bench.dsn)
        many = await _load(bench, tables.expected, connection_name(many_rows), again=False)
    return TableFindings(rows, found, many_rows or 0, many)


async def _round(bench: Bench, tables: Tables, name: str) -> Round:
    peer = await bench.peer("benchmarks.pipe", "chats", SOURCE_URL=tables.addresses[name])
    await database.empty(bench.dsn)
    first = await _load(bench, tables.expected, name, again=False)
    await database.settle(bench.dsn)
    return Round(peer, first, await _load(bench, tables.expected, name, again=True))


async def _load(bench: Bench, expected: Mapping[str, Expected], name: str, *, again: bool) -> Timing:
    with Sampler(bench.service.pid) as memory:
        finished = await bench.client.load([table(name)])
    for event in finished.events:
        bench.compare(event, expected[name], again=again)
    return Timing(finished.seconds, memory.peak_mib)
