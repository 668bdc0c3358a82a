"""Measures dry runs, exports and corrections on one service."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import database
from benchmarks.client import BenchmarkClient, inbox_source
from benchmarks.corrections.export import Export, measure_export
from benchmarks.corrections.files import write_corrected
from benchmarks.rejected_workbook import MEDIA_TYPES, download, insert_rejected_rows
from devstack.fakedata.expected import ExpectedImport
from devstack.service import ServiceProcess
from schemas.requests import CorrectedJob, Options
from schemas.status import StatusEvent

WORKBOOK, WARM = "chats.xlsx", "warm.xlsx"
CORRECTED_ROWS = 5_000


@dataclass(slots=True)
class CorrectionBenchmark:
    """A running service with an inbox. `mismatches` describes wrong counts."""

    dsn: str
    inbox: Path
    service: ServiceProcess
    client: BenchmarkClient
    expected: ExpectedImport
    dry_runs: list[float] = field(default_factory=list)
    imports: list[float] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    corrections: list[float] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)

    @property
    def dry_run_ratio(self) -> float:
        """Seconds of a dry run to those of the import, the median of all rounds."""
        return median(dry / full for dry, full in zip(self.dry_runs, self.imports, strict=True))

    async def run(self, rounds: int, exported_rows: int) -> AsyncIterator[str]:
        """Measure everything; yields a line about each measurement.

        Raises BenchmarkError, httpx.HTTPError.
        """
        await self.client.run_imports([inbox_source(WARM)])
        for _ in range(rounds):
            yield await self._round()
        async for line in self._correct():
            yield line
        await insert_rejected_rows(self.dsn, exported_rows)
        for run_import in [*[None] * rounds, self._import]:
            self.exports.append(await measure_export(self.service, run_import))
            yield self.exports[-1].line

    async def _round(self) -> str:
        """A dry run and an import of the workbook, both with empty tables."""
        await database.truncate_tables(self.dsn)
        done = await self.client.run_imports([inbox_source(WORKBOOK)], options=Options(dry_run=True))
        self._compare(done.events[0], inserted=0)
        if any((await database.table_sizes(self.dsn)).values()):
            self.mismatches.append("a dry run has stored rows")
        self.dry_runs.append(done.seconds)
        self.imports.append(await self._import())
        return f"dry run {self.dry_runs[-1]:5.2f} s  import {self.imports[-1]:5.2f} s"

    async def _import(self) -> float:
        """Seconds of an import into empty tables."""
        await database.truncate_tables(self.dsn)
        done = await self.client.run_imports([inbox_source(WORKBOOK)])
        self._compare(done.events[0], inserted=self.expected.inserted)
        return done.seconds

    async def _correct(self) -> AsyncIterator[str]:
        """Correct the rejected rows of one more import, CORRECTED_ROWS at a time."""
        await database.truncate_tables(self.dsn)
        [parent] = (await self.client.run_imports([inbox_source(WORKBOOK)])).events
        exported = self.inbox / "exported.xlsx"
        media_type = MEDIA_TYPES["workbook"]
        await asyncio.to_thread(download, self.service.url, media_type, parent.request_id, exported)
        for name in await asyncio.to_thread(write_corrected, exported, self.inbox, CORRECTED_ROWS):
            await database.checkpoint(self.dsn)
            done = await self.client.run_imports(
                [inbox_source(name)], corrects=CorrectedJob(request_id=parent.request_id)
            )
            if done.events[0].processed != CORRECTED_ROWS:
                self.mismatches.append(f"{name}: {done.events[0].processed} rows were stored")
            self.corrections.append(done.seconds)
            yield f"{CORRECTED_ROWS:,} corrections {done.seconds:5.2f} s"

    def _compare(self, event: StatusEvent, inserted: int) -> None:
        found = (event.total, event.processed, event.failed, event.duplicates, event.inserted)
        want = self.expected
        expected = (want.total, want.processed, want.failed, want.duplicates, inserted)
        if found != expected:
            self.mismatches.append(f"{event.source_identifier}: {found} instead of {expected}")
