"""Ends owners in the middle of their jobs, with replicas waiting, and measures until the new claim."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import asyncpg

from benchmarks.service import STOP_SECONDS, BenchFailed
from benchmarks.takeover.replicas import Database, Owned, Replicas, claimed_again, now, owned
from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.records import Outgoing
from schemas.requests import DatabaseSource, StartRequest, dump_request
from schemas.topics import REQUESTS

REPLICAS = 3
ENDED = 2
"""Of them at once."""
JOBS = 4
"""At once; every replica has room for all of them, so that none waits for anything but a claim."""
BEAT_SECONDS = 3.0
"""The default; an owner is ended at any moment between two heartbeats."""
LIMIT_SECONDS = 60.0
MIDDLE_SECONDS = 180.0
ENDED_JOBS = "select count(*) from migration.jobs where status not in ('pending', 'running')"


@dataclass(slots=True)
class Takes:
    """What was measured of one signal; `lost_rows` were stored before it and not known to the new owner."""

    name: str
    seconds: list[float] = field(default_factory=list)
    exits: list[float] = field(default_factory=list)
    codes: set[int] = field(default_factory=set)
    lost_rows: int = 0
    burned: int = 0


@dataclass(slots=True)
class Bench:
    """Replicas, Postgres, and jobs to ask for: each name of a connection is one, then they come again."""

    replicas: Replicas
    dsn: str
    database: Database
    kafka: KafkaConnection
    names: Iterator[str]
    chance: random.Random
    asked: int = 0

    async def take_overs(self, number: int, wanted: int) -> Takes:
        """End owners until there are so many measures."""
        found = Takes(signal.Signals(number).name)
        while len(found.seconds) < wanted:
            await self.replicas.have(REPLICAS)
            middle = {job.job_id for job in await self.in_the_middle(JOBS)}
            await asyncio.sleep(self.chance.uniform(0, BEAT_SECONDS))
            await self._end(self._victims(middle, await owned(self.database)), number, found)
        return found

    @staticmethod
    def _victims(middle: set[int], jobs: list[Owned]) -> list[Owned]:
        """The jobs of those owners that have most of them; of jobs that have just begun nothing is told."""
        pids = Counter(job.pid for job in jobs if job.job_id in middle).most_common(ENDED)
        return [job for job in jobs if job.pid in dict(pids) and job.job_id in middle]

    async def _end(self, jobs: list[Owned], number: int, found: Takes) -> None:
        since, began = await now(self.database), time.perf_counter()
        ending = [self.replicas.signal(pid, number) for pid in {job.pid for job in jobs}]
        exits = [asyncio.create_task(asyncio.to_thread(one.wait, STOP_SECONDS)) for one in ending]
        for one in exits:
            one.add_done_callback(lambda _: found.exits.append(time.perf_counter() - began))
        for job in jobs:
            attempt, rows, seen = await claimed_again(self.database, job, LIMIT_SECONDS)
            found.seconds.append((seen - since).total_seconds())
            found.lost_rows += max(job.rows - rows, 0)
            found.burned += attempt > job.attempt
        found.codes |= set(await asyncio.gather(*exits))

    async def in_the_middle(self, many: int) -> list[Owned]:
        """So many jobs of which their owners have stored something."""
        until = time.monotonic() + MIDDLE_SECONDS
        while len(moving := [job for job in await owned(self.database) if job.moves]) < many:
            ended = await self.database.fetchval(ENDED_JOBS)
            for _ in range(many - (self.asked - ended)):
                await self.ask()
            if time.monotonic() > until:
                raise BenchFailed(f"no {many} jobs in their middle after {MIDDLE_SECONDS:.0f} s")
            await asyncio.sleep(0.1)
        return moving

    async def stored_a_batch(self) -> bool:
        """Whether an owner has stored something, and nothing since a second."""
        query = "select max(updated_at) < clock_timestamp() - interval '1 second' from migration.jobs"
        moved = any(job.moves for job in await owned(self.database))
        return moved and bool(await self.database.fetchval(f"{query} where status = 'running'"))

    async def reconnect(self) -> None:
        """Postgres was away."""
        self.database = await asyncpg.connect(self.dsn)

    async def ask(self) -> None:
        """Publish a request for the next table."""
        source = DatabaseSource(type="database", connection=next(self.names))
        body = dump_request(StartRequest(action="start", dataset="chats", source=source))
        producer = Producer(self.kafka, client_id="bench")
        try:
            if not all(await producer.publish([Outgoing(REQUESTS.name, None, body)])):
                raise BenchFailed(f"the request could not be published: {producer.problem}")
        finally:
            await producer.close()
        self.asked += 1
