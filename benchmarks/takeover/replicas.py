"""Replicas that come and go, and the jobs they own as Postgres knows them."""

import asyncio
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import asyncpg

from benchmarks.service import RunningService, launch, stop, wait_until_ready

Database = asyncpg.Connection
POLL_SECONDS = 0.002


@dataclass(slots=True)
class Replicas:
    """The service several times over, by process id."""

    environment: Mapping[str, str]
    folder: Path
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    started: int = 0

    async def ensure(self, count: int) -> None:
        """Start those that are missing, and wait until they are ready."""
        missing = count - len(self.running)
        made = [self.launch() for _ in range(missing)]
        for process, service, log in made:
            await asyncio.to_thread(wait_until_ready, service, process, log)

    def launch(self, **settings: str) -> tuple[subprocess.Popen[bytes], RunningService, Path]:
        """Start one."""
        self.started += 1
        log = self.folder / f"replica-{self.started}.log"
        process, service = launch({**self.environment, **settings}, log)
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
class OwnedJob:
    """A running job: who owns it, and how much of it is stored."""

    job_id: int
    pid: int
    fencing_token: int
    attempt: int
    rows: int
    rows_at_attempt_start: int

    @property
    def has_progress(self) -> bool:
        """Whether its owner has stored a batch."""
        return self.rows > self.rows_at_attempt_start


LIST_OWNED_JOBS = """
select j.id, split_part(l.owner, ':', 2)::int, j.token, j.attempt, j.processed + j.failed,
  j.rows_at_attempt_start
from migration.jobs j join migration.leases l on l.name = 'job:' || j.id
where j.status = 'running' and l.token = j.token and l.expires_at > clock_timestamp() order by j.id
"""


async def owned_jobs(database: Database) -> list[OwnedJob]:
    """The jobs that run now."""
    return [OwnedJob(*row) for row in await database.fetch(LIST_OWNED_JOBS)]


FIND_NEW_CLAIM = """
select attempt, rows_at_attempt_start, clock_timestamp() as seen from migration.jobs
where id = $1 and status = 'running' and token <> $2
"""


async def wait_for_new_claim(database: Database, job: OwnedJob, timeout: float) -> tuple[int, int, datetime]:
    """Wait until another claim of the job is committed: attempt, rows it goes on from, when it was seen."""
    async with asyncio.timeout(timeout):
        while (row := await database.fetchrow(FIND_NEW_CLAIM, job.job_id, job.fencing_token)) is None:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
    return row["attempt"], row["rows_at_attempt_start"], row["seen"]


async def database_now(database: Database) -> datetime:
    """By the clock of the database."""
    moment = await database.fetchval("select clock_timestamp()")
    assert isinstance(moment, datetime)
    return moment
