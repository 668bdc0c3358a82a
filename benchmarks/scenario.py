"""The whole bench: make the workbooks, run the service, measure in turn, gather what is to be told."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import tables
from benchmarks.client import connected
from benchmarks.expected import Expected
from benchmarks.measure import Bench, Round, Timing
from benchmarks.report import Size
from benchmarks.service import running
from benchmarks.tables import TableFindings, Tables, measure_tables
from benchmarks.workbook import make_workbook

ROWS = 155_000
MANY = 10
TABLE_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. `rows` of the workbook of the rounds; with `sizes`, also others and many at once.

    `table_rows` of the table of the rounds, `many_rows` of one that is loaded once, to see its memory.
    """

    rows: int = ROWS
    rounds: int = 5
    sizes: bool = True
    table_rows: int = tables.ROWS
    many_rows: int | None = tables.MANY_ROWS

    @property
    def tables(self) -> list[int]:
        """Sizes of the tables to be made."""
        return [self.table_rows, *([self.many_rows] if self.many_rows else [])]


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was measured; `mistakes` are counts that came out wrong."""

    rounds: Sequence[Round]
    sizes: Sequence[Size]
    tables: TableFindings
    upload_seconds: float
    upload_mib: float
    latencies: Sequence[float]
    metrics: str
    mistakes: Sequence[str]

    @property
    def base(self) -> Timing:
        """The median first load of the rounds."""
        firsts = sorted((one.first for one in self.rounds), key=lambda one: one.seconds)
        return Timing(median(one.seconds for one in firsts), max(one.memory for one in firsts))


async def measure(environment: Mapping[str, str], plan: Plan, folder: Path, log: Path) -> Findings:
    """Measure as planned, on the stack that the environment names; workbooks go to the folder."""
    books = make_books(folder, plan)
    async with Tables(environment["DATABASE_URL"], plan.tables) as made:
        told = {**environment, "MIGRATION_CONNECTIONS": json.dumps(made.addresses)}
        with running(told, folder, log) as service:
            async with connected(environment) as client:
                bench = Bench(environment["DATABASE_URL"], folder, service, client)
                return await _measured(bench, plan, books, made)


async def _measured(bench: Bench, plan: Plan, books: Mapping[str, Expected], made: Tables) -> Findings:
    client = bench.client
    await bench.load(["warm.xlsx"], [books["warm.xlsx"]])
    client.latencies.clear()
    rounds = [await bench.round("base.xlsx", books["base.xlsx"]) for _ in range(plan.rounds)]
    sizes = await _sizes(bench, plan, books) if plan.sizes else []
    found = await measure_tables(bench, made, min(plan.rounds, TABLE_ROUNDS), plan.table_rows, plan.many_rows)
    base = bench.inbox / "base.xlsx"
    upload = await client.upload_seconds(base)
    size = base.stat().st_size / 2**20
    metrics = bench.service.metrics()
    return Findings(rounds, sizes, found, upload, size, client.latencies, metrics, bench.mistakes)


async def _sizes(bench: Bench, plan: Plan, books: Mapping[str, Expected]) -> list[Size]:
    small, large = plan.rows // 10, plan.rows * 4
    many = [f"many{number}.xlsx" for number in range(MANY)]
    return [
        Size("one small file", small, await bench.first(["small.xlsx"], [books["small.xlsx"]])),
        Size("one large file", large, await bench.first(["large.xlsx"], [books["large.xlsx"]])),
        Size(
            f"{MANY} files asked for at once",
            plan.rows * MANY,
            await bench.first(many, [books[name] for name in many]),
        ),
    ]


def make_books(folder: Path, plan: Plan) -> dict[str, Expected]:
    """Make every workbook that the plan needs, two at a time; no two share a link."""
    wanted = {"warm.xlsx": 2_000, "base.xlsx": plan.rows}
    if plan.sizes:
        wanted |= {"large.xlsx": plan.rows * 4, "small.xlsx": plan.rows // 10}
        wanted |= {f"many{number}.xlsx": plan.rows for number in range(MANY)}
    with ProcessPoolExecutor(2) as pool:
        made = {
            name: pool.submit(_make, folder / name, rows, seed)
            for seed, (name, rows) in enumerate(wanted.items(), 1)
        }
        return {name: future.result() for name, future in made.items()}


def _make(path: Path, rows: int, seed: int) -> Expected:
    # Nothing a bare load would end on: it stores text as it comes.
    return make_workbook(path, rows=rows, seed=seed, unstorable=False)
