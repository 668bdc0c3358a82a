"""Starts and ends replicas, and reads from Postgres which jobs they own."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import asyncpg

from devstack.service import PRODUCTION_HARDENING, ServiceProcess, loopback_settings

Database = asyncpg.Connection
POLL_SECONDS = 0.002


@dataclass(slots=True)
class Replicas:
    """Running replicas of the service by process id."""

    environment: Mapping[str, str]
    folder: Path
    running: dict[int, ServiceProcess] = field(default_factory=dict)
    started: int = 0

    async def ensure(self, count: int) -> None:
        """Start replicas until `count` are running, and wait until they are ready."""
        missing = count - len(self.running)
        launched = [self.launch() for _ in range(missing)]
        for replica in launched:
            await asyncio.to_thread(replica.wait_until_ready)

    def launch(self, **settings: str) -> ServiceProcess:
        """Start a replica with additional settings, without waiting until it is ready."""
        self.started += 1
        name = f"replica-{self.started}"
        environment = {**PRODUCTION_HARDENING, **self.environment, **loopback_settings(), **settings}
        replica = ServiceProcess(environment, self.folder / f"{name}.log", name=name).launch()
        self.running[replica.pid] = replica
        return replica

    def end(self, pid: int, number: int) -> ServiceProcess:
        """Send a signal that ends a replica; it no longer counts as running."""
        replica = self.running.pop(pid)
        replica.signal(number)
        return replica

    def stop(self) -> None:
        """Stop all replicas."""
        for replica in self.running.values():
            replica.stop()
        self.running.clear()


@dataclass(frozen=True, slots=True)
class OwnedJob:
    """A running job: its owner and the number of stored rows."""

    job_id: int
    pid: int
    fencing_token: int
    attempt: int
    rows: int
    rows_at_attempt_start: int

    @property
    def has_progress(self) -> bool:
        """Whether its current owner has stored a batch."""
        return self.rows > self.rows_at_attempt_start


LIST_OWNED_JOBS = """
select j.id, split_part(l.owner, ':', 2)::int, j.token, j.attempt, j.processed + j.failed,
  j.rows_at_attempt_start
from migration.jobs j join migration.leases l on l.name = 'job:' || j.id
where j.status = 'running' and l.token = j.token and l.expires_at > clock_timestamp() order by j.id
"""


async def owned_jobs(database: Database) -> list[OwnedJob]:
    """The running jobs with a valid lease."""
    return [OwnedJob(*row) for row in await database.fetch(LIST_OWNED_JOBS)]


FIND_NEW_CLAIM = """
select attempt, rows_at_attempt_start, clock_timestamp() as seen from migration.jobs
where id = $1 and status = 'running' and token <> $2
"""


async def wait_for_new_claim(database: Database, job: OwnedJob, timeout: float) -> tuple[int, int, datetime]:
    """Wait for another claim of the job; returns its attempt, the rows it resumes from, and its time."""
    async with asyncio.timeout(timeout):
        while (row := await database.fetchrow(FIND_NEW_CLAIM, job.job_id, job.fencing_token)) is None:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
    return row["attempt"], row["rows_at_attempt_start"], row["seen"]


async def database_now(database: Database) -> datetime:
    """The time by the clock of the database."""
    now = await database.fetchval("select clock_timestamp()")
    assert isinstance(now, datetime)
    return now
