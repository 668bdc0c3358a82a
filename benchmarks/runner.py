"""Runs `make bench`: generates the sources, starts the service, and measures as planned."""

import asyncio
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
from devstack.fakedata.expected import ExpectedImport
from devstack.fakedata.workbook import make_workbook
from devstack.service import running_service

ROWS = 155_000
CONCURRENT_FILES = 10
DATABASE_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class BenchmarkPlan:
    """What to measure: `rounds` with a workbook of `rows` and a database table of `table_rows`.

    With `sizes`, also other workbooks and several at once. `large_table_rows` is loaded once, for its memory.
    """

    rows: int = ROWS
    rounds: int = 5
    sizes: bool = True
    table_rows: int = database_source.ROWS
    large_table_rows: int | None = database_source.LARGE_ROWS

    @property
    def table_sizes(self) -> list[int]:
        """Numbers of rows of the tables to create."""
        return [self.table_rows, *([self.large_table_rows] if self.large_table_rows else [])]


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """All results; `mismatches` describes wrong counts."""

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
        """The median seconds of the first loads, and their highest memory."""
        timings = [round_.first for round_ in self.rounds]
        seconds = median(timing.seconds for timing in timings)
        return Timing(seconds, max(timing.peak_rss_mib for timing in timings))


async def run_benchmark(
    environment: Mapping[str, str], plan: BenchmarkPlan, folder: Path, log: Path
) -> BenchmarkResult:
    """Measure as planned on the stack that the settings name; `folder` receives the workbooks."""
    expected = make_workbooks(folder, plan)
    async with SourceDatabases(environment["DATABASE_URL"], plan.table_sizes) as sources:
        settings = {
            **environment,
            "MIGRATION_INBOX": str(folder),
            "MIGRATION_CONNECTIONS": json.dumps(sources.urls),
        }
        with running_service(settings, log) as service:
            async with connect(environment) as client:
                benchmark = ServiceBenchmark(environment["DATABASE_URL"], folder, service, client)
                return await _run_rounds(benchmark, plan, expected, sources)


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
    database_result = await measure_database(
        benchmark, sources, min(plan.rounds, DATABASE_ROUNDS), plan.table_rows, plan.large_table_rows
    )
    workbook = benchmark.inbox / "base.xlsx"
    return BenchmarkResult(
        rounds=rounds,
        sizes=sizes,
        database=database_result,
        upload_seconds=await client.upload_seconds(workbook),
        upload_mib=workbook.stat().st_size / 2**20,
        latencies=client.latencies,
        metrics=await asyncio.to_thread(benchmark.service.metrics),
        mismatches=benchmark.mismatches,
    )


async def _measure_sizes(
    benchmark: ServiceBenchmark, plan: BenchmarkPlan, expected: Mapping[str, ExpectedImport]
) -> list[SizeResult]:
    small, large = plan.rows // 10, plan.rows * 4
    names = [f"many{number}.xlsx" for number in range(CONCURRENT_FILES)]
    return [
        SizeResult(
            "one small file", small, await benchmark.first_load(["small.xlsx"], [expected["small.xlsx"]])
        ),
        SizeResult(
            "one large file", large, await benchmark.first_load(["large.xlsx"], [expected["large.xlsx"]])
        ),
        SizeResult(
            f"{CONCURRENT_FILES} files at once",
            plan.rows * CONCURRENT_FILES,
            await benchmark.first_load(names, [expected[name] for name in names]),
        ),
    ]


def make_workbooks(folder: Path, plan: BenchmarkPlan) -> dict[str, ExpectedImport]:
    """Generate every workbook that the plan needs, two at a time; no two of them share a link."""
    rows_by_name = {"warm.xlsx": 2_000, "base.xlsx": plan.rows}
    if plan.sizes:
        rows_by_name |= {"large.xlsx": plan.rows * 4, "small.xlsx": plan.rows // 10}
        rows_by_name |= {f"many{number}.xlsx": plan.rows for number in range(CONCURRENT_FILES)}
    with ProcessPoolExecutor(2) as pool:
        futures = {
            name: pool.submit(_make_workbook, folder / name, rows, seed)
            for seed, (name, rows) in enumerate(rows_by_name.items(), 1)
        }
        return {name: future.result() for name, future in futures.items()}


def _make_workbook(path: Path, rows: int, seed: int) -> ExpectedImport:
    # The baseline fails on text that Postgres cannot store.
    return make_workbook(path, rows=rows, seed=seed, unstorable=False)
