"""Timings of single loads, with a check of every count that the service reports."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import database
from benchmarks.client import BenchmarkClient, inbox_source
from benchmarks.errors import BenchmarkError
from benchmarks.memory import MemorySampler
from devstack.fakedata.expected import ExpectedCounts, ExpectedImport
from devstack.service import ServiceProcess
from schemas.status import StatusEvent


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds, and the peak resident memory (MiB) of all processes of the load."""

    seconds: float
    peak_rss_mib: float


@dataclass(frozen=True, slots=True)
class Round:
    """The same source three times: baseline, import into empty tables, import without changes."""

    baseline: Timing
    first: Timing
    unchanged: Timing


@dataclass(slots=True)
class ServiceBenchmark:
    """A running service and its baseline on one database. `mismatches` describes wrong counts."""

    dsn: str
    inbox: Path
    service: ServiceProcess
    client: BenchmarkClient
    mismatches: list[str] = field(default_factory=list)

    async def run_round(self, name: str, expected: ExpectedImport) -> Round:
        """Measure baseline, first load and unchanged load of a workbook."""
        baseline = await self.run_baseline("benchmarks.baseline_xlsx", str(self.inbox / name))
        await database.truncate_tables(self.dsn)
        first = await self.load([name], [expected])
        await self._compare_tables(name, expected)
        await database.vacuum_tables(self.dsn)
        return Round(baseline, first, await self.load([name], [expected], repeat=True))

    async def first_load(self, names: Sequence[str], expected: Sequence[ExpectedImport]) -> Timing:
        """Import files of the inbox at once, into empty tables."""
        await database.truncate_tables(self.dsn)
        return await self.load(names, expected)

    async def load(
        self, names: Sequence[str], expected: Sequence[ExpectedImport], *, repeat: bool = False
    ) -> Timing:
        """Import files of the inbox at once, and compare every count with the expected one."""
        with MemorySampler(self.service.pid) as memory:
            completed = await self.client.run_imports(list(map(inbox_source, names)))
        by_name = dict(zip(names, expected, strict=True))
        for event in completed.events:
            self.compare(event, by_name[str(event.source_identifier)], repeat=repeat)
        return Timing(completed.seconds, memory.peak_mib)

    async def run_baseline(self, module: str, *arguments: str, **environment: str) -> Timing:
        """Run a baseline module as a process; it prints its seconds as JSON."""
        await database.checkpoint(self.dsn)
        command = [sys.executable, "-m", module, *arguments]
        return await asyncio.to_thread(_run_baseline, command, {"DATABASE_URL": self.dsn, **environment})

    async def _compare_tables(self, name: str, expected: ExpectedImport) -> None:
        sizes = await database.table_sizes(self.dsn)
        if sizes != dict(expected.tables):
            self.mismatches.append(f"{name}: the tables hold {sizes}, not {dict(expected.tables)}")

    def compare(self, event: StatusEvent, expected: ExpectedCounts, *, repeat: bool) -> None:
        """Add every wrong count of an event to `mismatches`."""
        inserted, unchanged = (0, expected.inserted) if repeat else (expected.inserted, 0)
        expected_fields = {
            "total": expected.total,
            "failed": expected.failed,
            "inserted": inserted,
            "unchanged": unchanged,
            "updated": 0,
            "duplicates": expected.duplicates,
            "warnings": dict(expected.warnings),
        }
        for name, value in expected_fields.items():
            if (reported := getattr(event, name)) != value:
                self.mismatches.append(f"{event.source_identifier}: {name} is {reported}, not {value}")


def _run_baseline(command: Sequence[str], environment: Mapping[str, str]) -> Timing:
    with (
        subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE) as process,
        MemorySampler(process.pid) as memory,
    ):
        output, _ = process.communicate()
    if process.returncode:
        raise BenchmarkError(f"the baseline ended with exit code {process.returncode}")
    return Timing(json.loads(output)["seconds"], memory.peak_mib)
