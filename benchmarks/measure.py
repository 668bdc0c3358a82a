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
from benchmarks.client import Client, file
from benchmarks.expected import Expected
from benchmarks.memory import Sampler
from benchmarks.service import BenchFailed, Service
from schemas.status import MigrationStatus


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds, and the peak of resident memory (MiB) over all processes that took part."""

    seconds: float
    memory: float


class Counts(Protocol):
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

    peer: Timing
    first: Timing
    unchanged: Timing


@dataclass(slots=True)
class Bench:
    """A running service beside its peer, on one database. `mistakes` are counts that came out wrong."""

    dsn: str
    inbox: Path
    service: Service
    client: Client
    mistakes: list[str] = field(default_factory=list)

    async def round(self, name: str, expected: Expected) -> Round:
        """Peer, first load, unchanged load, one after the other."""
        peer = await self.peer("benchmarks.peer", str(self.inbox / name))
        await database.empty(self.dsn)
        first = await self.load([name], [expected])
        await self._compare_tables(name, expected)
        await database.settle(self.dsn)
        return Round(peer, first, await self.load([name], [expected], again=True))

    async def first(self, names: Sequence[str], expected: Sequence[Expected]) -> Timing:
        """A first load into empty tables, of one file or of several at once."""
        await database.empty(self.dsn)
        return await self.load(names, expected)

    async def load(
        self, names: Sequence[str], expected: Sequence[Expected], *, again: bool = False
    ) -> Timing:
        """Import files of the inbox, and compare every count with what it had to be."""
        with Sampler(self.service.pid) as memory:
            finished = await self.client.load(list(map(file, names)))
        by_name = dict(zip(names, expected, strict=True))
        for event in finished.events:
            self.compare(event, by_name[str(event.source_identifier)], again=again)
        return Timing(finished.seconds, memory.peak_mib)

    async def peer(self, module: str, *arguments: str, **environment: str) -> Timing:
        """A bare load, in a process of its own."""
        await database.checkpoint(self.dsn)
        command = [sys.executable, "-m", module, *arguments]
        return await asyncio.to_thread(_peer, command, {"DATABASE_URL": self.dsn, **environment})

    async def _compare_tables(self, name: str, expected: Expected) -> None:
        found = await database.sizes(self.dsn)
        if found != dict(expected.tables):
            self.mistakes.append(f"{name}: the tables hold {found}, not {dict(expected.tables)}")

    def compare(self, event: MigrationStatus, expected: Counts, *, again: bool) -> None:
        """Note every count that is not what it had to be."""
        inserted, unchanged = (0, expected.inserted) if again else (expected.inserted, 0)
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
                self.mistakes.append(f"{event.source_identifier}: {what} is {found}, not {value}")


def _peer(command: Sequence[str], environment: Mapping[str, str]) -> Timing:
    with (
        subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE) as process,
        Sampler(process.pid) as memory,
    ):
        said, _ = process.communicate()
    if process.returncode:
        raise BenchFailed(f"the bare load ended with exit code {process.returncode}")
    return Timing(json.loads(said)["seconds"], memory.peak_mib)
