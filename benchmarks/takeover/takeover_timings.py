"""Ends owners in the middle of their jobs, with replicas waiting, and measures until the new claim."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import asyncpg

from benchmarks.service import STOP_TIMEOUT_SECONDS, BenchmarkError
from benchmarks.takeover.replicas import (
    Database,
    OwnedJob,
    Replicas,
    database_now,
    owned_jobs,
    wait_for_new_claim,
)
from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.records import ProducerRecord
from schemas.requests import DatabaseSource, StartRequest, dump_request
from schemas.topics import REQUESTS

REPLICAS = 3
OWNERS_ENDED = 2
"""Of them at once."""
CONCURRENT_JOBS = 4
"""At once; every replica has room for all of them, so that none waits for anything but a claim."""
HEARTBEAT_SECONDS = 3.0
"""The default; an owner is ended at any moment between two heartbeats."""
CLAIM_TIMEOUT_SECONDS = 60.0
PROGRESS_TIMEOUT_SECONDS = 180.0
COUNT_ENDED_JOBS = "select count(*) from migration.jobs where status not in ('pending', 'running')"


@dataclass(slots=True)
class TakeoverTimings:
    """What was measured of one signal; `lost_rows` were stored before it and not known to the new owner."""

    signal_name: str
    seconds: list[float] = field(default_factory=list)
    exit_seconds: list[float] = field(default_factory=list)
    exit_codes: set[int] = field(default_factory=set)
    lost_rows: int = 0
    attempts_consumed: int = 0


@dataclass(slots=True)
class TakeoverBenchmark:
    """Replicas, Postgres, and jobs to ask for: each name of a connection is one, then they come again."""

    replicas: Replicas
    dsn: str
    database: Database
    kafka: KafkaConnection
    names: Iterator[str]
    rng: random.Random
    requested: int = 0

    async def measure_takeovers(self, number: int, count: int) -> TakeoverTimings:
        """End owners until there are so many measures."""
        found = TakeoverTimings(signal.Signals(number).name)
        while len(found.seconds) < count:
            await self.replicas.ensure(REPLICAS)
            middle = {job.job_id for job in await self.jobs_in_progress(CONCURRENT_JOBS)}
            await asyncio.sleep(self.rng.uniform(0, HEARTBEAT_SECONDS))
            await self._end_owners(self._jobs_to_end(middle, await owned_jobs(self.database)), number, found)
        return found

    @staticmethod
    def _jobs_to_end(in_progress: set[int], jobs: list[OwnedJob]) -> list[OwnedJob]:
        """The jobs of those owners that have most of them; of jobs that have just begun nothing is told."""
        pids = Counter(job.pid for job in jobs if job.job_id in in_progress).most_common(OWNERS_ENDED)
        return [job for job in jobs if job.pid in dict(pids) and job.job_id in in_progress]

    async def _end_owners(self, jobs: list[OwnedJob], number: int, timings: TakeoverTimings) -> None:
        since, began = await database_now(self.database), time.perf_counter()
        ending = [self.replicas.signal(pid, number) for pid in {job.pid for job in jobs}]
        exits = [asyncio.create_task(asyncio.to_thread(one.wait, STOP_TIMEOUT_SECONDS)) for one in ending]
        for one in exits:
            one.add_done_callback(lambda _: timings.exit_seconds.append(time.perf_counter() - began))
        for job in jobs:
            attempt, rows, seen = await wait_for_new_claim(self.database, job, CLAIM_TIMEOUT_SECONDS)
            timings.seconds.append((seen - since).total_seconds())
            timings.lost_rows += max(job.rows - rows, 0)
            timings.attempts_consumed += attempt > job.attempt
        timings.exit_codes |= set(await asyncio.gather(*exits))

    async def jobs_in_progress(self, count: int) -> list[OwnedJob]:
        """So many jobs of which their owners have stored something."""
        until = time.monotonic() + PROGRESS_TIMEOUT_SECONDS
        while len(moving := [job for job in await owned_jobs(self.database) if job.has_progress]) < count:
            ended = await self.database.fetchval(COUNT_ENDED_JOBS)
            for _ in range(count - (self.requested - ended)):
                await self.request_import()
            if time.monotonic() > until:
                raise BenchmarkError(
                    f"no {count} jobs in their middle after {PROGRESS_TIMEOUT_SECONDS:.0f} s"
                )
            await asyncio.sleep(0.1)
        return moving

    async def has_idle_job_with_progress(self) -> bool:
        """Whether an owner has stored something, and nothing since a second."""
        query = "select max(updated_at) < clock_timestamp() - interval '1 second' from migration.jobs"
        moved = any(job.has_progress for job in await owned_jobs(self.database))
        return moved and bool(await self.database.fetchval(f"{query} where status = 'running'"))

    async def reconnect(self) -> None:
        """Postgres was away."""
        self.database = await asyncpg.connect(self.dsn)

    async def request_import(self) -> None:
        """Publish a request for the next table."""
        source = DatabaseSource(type="database", connection=next(self.names))
        body = dump_request(StartRequest(action="start", dataset="chats", source=source))
        producer = Producer(self.kafka, client_id="bench")
        try:
            if not all(await producer.publish([ProducerRecord(REQUESTS.name, None, body)])):
                raise BenchmarkError(f"the request could not be published: {producer.last_error}")
        finally:
            await producer.close()
        self.requested += 1
