"""Replicas that come and go, and the jobs they own as Postgres knows them."""

import asyncio
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import asyncpg

from benchmarks.service import Service, launch, stop, wait_ready

Database = asyncpg.Connection
LOOK_SECONDS = 0.002


@dataclass(slots=True)
class Replicas:
    """The service several times over, by process id."""

    environment: Mapping[str, str]
    folder: Path
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    started: int = 0

    async def have(self, many: int) -> None:
        """Start those that are missing, and wait until they are ready."""
        missing = many - len(self.running)
        made = [self.launch() for _ in range(missing)]
        for process, service, log in made:
            await asyncio.to_thread(wait_ready, service, process, log)

    def launch(self, **more: str) -> tuple[subprocess.Popen[bytes], Service, Path]:
        """Start one."""
        self.started += 1
        log = self.folder / f"replica-{self.started}.log"
        process, service = launch({**self.environment, **more}, log)
        self.running[process.pid] = process
        return process, service, log

    def signal(self, pid: int, number: int) -> subprocess.Popen[bytes]:
        """Send a signal that ends it."""
        process = self.running.pop(pid)
        process.send_signal(number)
        return process

    def stop(self) -> None:
        """End all."""
        for process in self.running.values():
            stop(process)
        self.running.clear()


@dataclass(frozen=True, slots=True)
class Owned:
    """A running job: who owns it, and how much of it is stored."""

    job_id: int
    pid: int
    token: int
    attempt: int
    rows: int
    attempt_rows: int

    @property
    def moves(self) -> bool:
        """Whether its owner has stored a batch."""
        return self.rows > self.attempt_rows


OWNED = """
select j.id, split_part(l.owner, ':', 2)::int, j.token, j.attempt, j.processed + j.failed, j.attempt_rows
from migration.jobs j join migration.leases l on l.name = 'job:' || j.id
where j.status = 'running' and l.token = j.token and l.expires_at > clock_timestamp() order by j.id
"""


async def owned(database: Database) -> list[Owned]:
    """The jobs that run now."""
    return [Owned(*row) for row in await database.fetch(OWNED)]


CLAIMED = """
select attempt, attempt_rows, clock_timestamp() as seen from migration.jobs
where id = $1 and status = 'running' and token <> $2
"""


async def claimed_again(database: Database, job: Owned, seconds: float) -> tuple[int, int, datetime]:
    """Wait until another claim of the job is committed: attempt, rows it goes on from, when it was seen."""
    async with asyncio.timeout(seconds):
        while (row := await database.fetchrow(CLAIMED, job.job_id, job.token)) is None:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
    return row["attempt"], row["attempt_rows"], row["seen"]


async def now(database: Database) -> datetime:
    """By the clock of the database."""
    moment = await database.fetchval("select clock_timestamp()")
    assert isinstance(moment, datetime)
    return moment
