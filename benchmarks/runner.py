"""The whole bench: make the workbooks, run the service, measure in turn, gather what is to be told."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import database_source
from benchmarks.client import connect
from benchmarks.database_source import DatabaseResult, SourceDatabases, measure_database
from benchmarks.measure import Round, ServiceBenchmark, Timing
from benchmarks.report import SizeResult
from benchmarks.service import running_service
from devstack.fakedata.expected import ExpectedImport
from devstack.fakedata.workbook import make_workbook

ROWS = 155_000
CONCURRENT_FILES = 10
DATABASE_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class BenchmarkPlan:
    """What to measure. `rows` of the workbook of the rounds; with `sizes`, also others and many at once.

    `table_rows` of the table of the rounds, `many_rows` of one that is loaded once, to see its memory.
    """

    rows: int = ROWS
    rounds: int = 5
    sizes: bool = True
    table_rows: int = database_source.ROWS
    large_table_rows: int | None = database_source.LARGE_ROWS

    @property
    def table_sizes(self) -> list[int]:
        """Sizes of the tables to be made."""
        return [self.table_rows, *([self.large_table_rows] if self.large_table_rows else [])]


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """All that was measured; `mismatches` are counts that came out wrong."""

    rounds: Sequence[Round]
    sizes: Sequence[SizeResult]
    database: DatabaseResult
    upload_seconds: float
    upload_mib: float
    latencies: Sequence[float]
    metrics: str
    mismatches: Sequence[str]

    @property
    def median_first_load(self) -> Timing:
        """The median first load of the rounds."""
        firsts = sorted((one.first for one in self.rounds), key=lambda one: one.seconds)
        return Timing(median(one.seconds for one in firsts), max(one.peak_rss_mib for one in firsts))


async def run_benchmark(
    environment: Mapping[str, str], plan: BenchmarkPlan, folder: Path, log: Path
) -> BenchmarkResult:
    """Measure as planned, on the stack that the environment names; workbooks go to the folder."""
    books = make_workbooks(folder, plan)
    async with SourceDatabases(environment["DATABASE_URL"], plan.table_sizes) as made:
        told = {**environment, "MIGRATION_CONNECTIONS": json.dumps(made.urls)}
        with running_service(told, folder, log) as service:
            async with connect(environment) as client:
                bench = ServiceBenchmark(environment["DATABASE_URL"], folder, service, client)
                return await _run_rounds(bench, plan, books, made)


async def _run_rounds(
    benchmark: ServiceBenchmark,
    plan: BenchmarkPlan,
    expected: Mapping[str, ExpectedImport],
    sources: SourceDatabases,
) -> BenchmarkResult:
    client = benchmark.client
    await benchmark.load(["warm.xlsx"], [expected["warm.xlsx"]])
    client.latencies.clear()
    rounds = [await benchmark.run_round("base.xlsx", expected["base.xlsx"]) for _ in range(plan.rounds)]
    sizes = await _measure_sizes(benchmark, plan, expected) if plan.sizes else []
    found = await measure_database(
        benchmark, sources, min(plan.rounds, DATABASE_ROUNDS), plan.table_rows, plan.large_table_rows
    )
    base = benchmark.inbox / "base.xlsx"
    upload = await client.upload_seconds(base)
    size = base.stat().st_size / 2**20
    metrics = benchmark.service.metrics()
    return BenchmarkResult(
        rounds, sizes, found, upload, size, client.latencies, metrics, benchmark.mismatches
    )


async def _measure_sizes(
    benchmark: ServiceBenchmark, plan: BenchmarkPlan, expected: Mapping[str, ExpectedImport]
) -> list[SizeResult]:
    small, large = plan.rows // 10, plan.rows * 4
    many = [f"many{number}.xlsx" for number in range(CONCURRENT_FILES)]
    return [
        SizeResult(
            "one small file", small, await benchmark.first_load(["small.xlsx"], [expected["small.xlsx"]])
        ),
        SizeResult(
            "one large file", large, await benchmark.first_load(["large.xlsx"], [expected["large.xlsx"]])
        ),
        SizeResult(
            f"{CONCURRENT_FILES} files asked for at once",
            plan.rows * CONCURRENT_FILES,
            await benchmark.first_load(many, [expected[name] for name in many]),
        ),
    ]


def make_workbooks(folder: Path, plan: BenchmarkPlan) -> dict[str, ExpectedImport]:
    """Make every workbook that the plan needs, two at a time; no two share a link."""
    wanted = {"warm.xlsx": 2_000, "base.xlsx": plan.rows}
    if plan.sizes:
        wanted |= {"large.xlsx": plan.rows * 4, "small.xlsx": plan.rows // 10}
        wanted |= {f"many{number}.xlsx": plan.rows for number in range(CONCURRENT_FILES)}
    with ProcessPoolExecutor(2) as pool:
        made = {
            name: pool.submit(_make_workbook, folder / name, rows, seed)
            for seed, (name, rows) in enumerate(wanted.items(), 1)
        }
        return {name: future.result() for name, future in made.items()}


def _make_workbook(path: Path, rows: int, seed: int) -> ExpectedImport:
    # Nothing a bare load would end on: it stores text as it comes.
    return make_workbook(path, rows=rows, seed=seed, unstorable=False)
