"""What is measured: rounds of the peer, a first load and an unchanged one; then sizes."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks import database
from benchmarks.client import BenchmarkClient, inbox_source
from benchmarks.memory import MemorySampler
from benchmarks.service import BenchmarkError, RunningService
from devstack.fakedata.expected import ExpectedImport
from schemas.status import StatusEvent


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds, and the peak of resident memory (MiB) over all processes that took part."""

    seconds: float
    peak_rss_mib: float


class ExpectedCounters(Protocol):
    """What an import has to report."""

    @property
    def total(self) -> int: ...  # noqa: D102 – as in a status event, like the rest
    @property
    def failed(self) -> int: ...  # noqa: D102
    @property
    def inserted(self) -> int: ...  # noqa: D102
    @property
    def duplicates(self) -> int: ...  # noqa: D102
    @property
    def warnings(self) -> Mapping[str, int]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Round:
    """The same workbook three times: barely, into empty tables, and unchanged."""

    baseline: Timing
    first: Timing
    unchanged: Timing


@dataclass(slots=True)
class ServiceBenchmark:
    """A running service beside its peer, on one database. `mismatches` are counts that came out wrong."""

    dsn: str
    inbox: Path
    service: RunningService
    client: BenchmarkClient
    mismatches: list[str] = field(default_factory=list)

    async def run_round(self, name: str, expected: ExpectedImport) -> Round:
        """Peer, first load, unchanged load, one after the other."""
        peer = await self.run_baseline("benchmarks.baseline_xlsx", str(self.inbox / name))
        await database.truncate_tables(self.dsn)
        first = await self.load([name], [expected])
        await self._compare_tables(name, expected)
        await database.vacuum_tables(self.dsn)
        return Round(peer, first, await self.load([name], [expected], repeat=True))

    async def first_load(self, names: Sequence[str], expected: Sequence[ExpectedImport]) -> Timing:
        """A first load into empty tables, of one file or of several at once."""
        await database.truncate_tables(self.dsn)
        return await self.load(names, expected)

    async def load(
        self, names: Sequence[str], expected: Sequence[ExpectedImport], *, repeat: bool = False
    ) -> Timing:
        """Import files of the inbox, and compare every count with what it had to be."""
        with MemorySampler(self.service.pid) as memory:
            finished = await self.client.run_imports(list(map(inbox_source, names)))
        by_name = dict(zip(names, expected, strict=True))
        for event in finished.events:
            self.compare(event, by_name[str(event.source_identifier)], repeat=repeat)
        return Timing(finished.seconds, memory.peak_mib)

    async def run_baseline(self, module: str, *arguments: str, **environment: str) -> Timing:
        """A bare load, in a process of its own."""
        await database.checkpoint(self.dsn)
        command = [sys.executable, "-m", module, *arguments]
        return await asyncio.to_thread(_run_baseline, command, {"DATABASE_URL": self.dsn, **environment})

    async def _compare_tables(self, name: str, expected: ExpectedImport) -> None:
        found = await database.table_sizes(self.dsn)
        if found != dict(expected.tables):
            self.mismatches.append(f"{name}: the tables hold {found}, not {dict(expected.tables)}")

    def compare(self, event: StatusEvent, expected: ExpectedCounters, *, repeat: bool) -> None:
        """Note every count that is not what it had to be."""
        inserted, unchanged = (0, expected.inserted) if repeat else (expected.inserted, 0)
        right = {
            "total": expected.total,
            "failed": expected.failed,
            "inserted": inserted,
            "unchanged": unchanged,
            "updated": 0,
            "duplicates": expected.duplicates,
            "warnings": dict(expected.warnings),
        }
        for what, value in right.items():
            if (found := getattr(event, what)) != value:
                self.mismatches.append(f"{event.source_identifier}: {what} is {found}, not {value}")


def _run_baseline(command: Sequence[str], environment: Mapping[str, str]) -> Timing:
    with (
        subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE) as process,
        MemorySampler(process.pid) as memory,
    ):
        said, _ = process.communicate()
    if process.returncode:
        raise BenchmarkError(f"the bare load ended with exit code {process.returncode}")
    return Timing(json.loads(said)["seconds"], memory.peak_mib)
