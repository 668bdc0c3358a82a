"""Ends the owners of running jobs and measures the time until other replicas have claimed the jobs."""

import asyncio
import random
import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import asyncpg

from benchmarks.client import database_source, publish, start_record
from benchmarks.takeover.replicas import (
    Database,
    OwnedJob,
    Replicas,
    database_now,
    owned_jobs,
    wait_for_new_claim,
)
from devstack.waiting import wait_until_async
from messaging.connection import KafkaConnection
from messaging.producer import Producer

REPLICAS = 3
OWNERS_ENDED = 2
"""Replicas that are ended at once."""
CONCURRENT_JOBS = 4
"""Every replica may run all of them, so that a job waits for nothing but its claim."""
HEARTBEAT_SECONDS = 3.0
"""The default; owners are ended at a random time between two heartbeats."""
CLAIM_TIMEOUT_SECONDS = 60.0
PROGRESS_TIMEOUT_SECONDS = 180.0
COUNT_ENDED_JOBS = "select count(*) from migration.jobs where status not in ('pending', 'running')"


@dataclass(slots=True)
class TakeoverTimings:
    """Measurements of one signal. `lost_rows` were stored, but the new owner did not resume from them."""

    signal_name: str
    seconds: list[float] = field(default_factory=list)
    exit_seconds: list[float] = field(default_factory=list)
    exit_codes: set[int] = field(default_factory=set)
    lost_rows: int = 0
    attempts_consumed: int = 0


@dataclass(slots=True)
class TakeoverBenchmark:
    """Replicas, the target database, and connection names of source tables that are imported in turn."""

    replicas: Replicas
    dsn: str
    database: Database
    kafka: KafkaConnection
    names: Iterator[str]
    rng: random.Random
    requested: int = 0

    async def measure_takeovers(self, number: int, count: int) -> TakeoverTimings:
        """End owners with this signal until `count` takeovers are measured."""
        timings = TakeoverTimings(signal.Signals(number).name)
        while len(timings.seconds) < count:
            await self.replicas.ensure(REPLICAS)
            in_progress = {job.job_id for job in await self.jobs_in_progress(CONCURRENT_JOBS)}
            await asyncio.sleep(self.rng.uniform(0, HEARTBEAT_SECONDS))
            jobs = self._jobs_to_end(in_progress, await owned_jobs(self.database))
            await self._end_owners(jobs, number, timings)
        return timings

    @staticmethod
    def _jobs_to_end(in_progress: set[int], jobs: list[OwnedJob]) -> list[OwnedJob]:
        """The jobs in progress of the owners with most of them."""
        pids = Counter(job.pid for job in jobs if job.job_id in in_progress).most_common(OWNERS_ENDED)
        return [job for job in jobs if job.pid in dict(pids) and job.job_id in in_progress]

    async def _end_owners(self, jobs: list[OwnedJob], number: int, timings: TakeoverTimings) -> None:
        signal_time, started = await database_now(self.database), time.perf_counter()
        ended = [self.replicas.end(pid, number) for pid in {job.pid for job in jobs}]
        exits = [asyncio.create_task(asyncio.to_thread(replica.wait)) for replica in ended]
        for task in exits:
            task.add_done_callback(lambda _: timings.exit_seconds.append(time.perf_counter() - started))
        for job in jobs:
            attempt, rows, claim_time = await wait_for_new_claim(self.database, job, CLAIM_TIMEOUT_SECONDS)
            timings.seconds.append((claim_time - signal_time).total_seconds())
            timings.lost_rows += max(job.rows - rows, 0)
            timings.attempts_consumed += attempt > job.attempt
        timings.exit_codes |= set(await asyncio.gather(*exits))

    async def jobs_in_progress(self, count: int) -> list[OwnedJob]:
        """Keep `count` jobs requested until as many have progress; returns those. Raises StackError."""

        async def in_progress() -> list[OwnedJob]:
            jobs = [job for job in await owned_jobs(self.database) if job.has_progress]
            if len(jobs) >= count:
                return jobs
            ended = await self.database.fetchval(COUNT_ENDED_JOBS)
            for _ in range(count - (self.requested - ended)):
                await self.request_import()
            return []

        return await wait_until_async(in_progress, PROGRESS_TIMEOUT_SECONDS, f"{count} jobs in progress")

    async def wait_until_idle(self) -> None:
        """Wait until every requested job has ended. Raises StackError."""
        await self.replicas.ensure(1)

        async def idle() -> bool:
            ended = await self.database.fetchval(COUNT_ENDED_JOBS)
            return bool(ended >= self.requested)

        await wait_until_async(idle, PROGRESS_TIMEOUT_SECONDS, "all jobs to end")

    async def has_idle_job_with_progress(self) -> bool:
        """Whether a running job has stored a batch, and no running job changed within the last second."""
        query = "select max(updated_at) < clock_timestamp() - interval '1 second' from migration.jobs"
        progressed = any(job.has_progress for job in await owned_jobs(self.database))
        return progressed and bool(await self.database.fetchval(f"{query} where status = 'running'"))

    async def reconnect(self) -> None:
        """Connect to Postgres again after an outage."""
        self.database = await asyncpg.connect(self.dsn)

    async def request_import(self) -> None:
        """Publish a request for the next table."""
        producer = Producer(self.kafka, client_id="bench")
        try:
            await publish(producer, [start_record(str(uuid.uuid4()), database_source(next(self.names)))])
        finally:
            await producer.close()
        self.requested += 1
