"""Runs jobs as a replica does, with a real child process and a real Postgres, and without Kafka."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumer.lifecycle import Outcome
from consumer.sources.base import SourceCredentials
from consumer.store import claims, requests
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.worker.attempt import Attempt
from consumer.worker.context import WorkerContext
from consumer.worker.fork_server import ForkServer
from consumer.worker.job_runner import write_outcome
from schemas.requests import StartRequest
from tests.support.job_factories import LIMITS, get_job


@dataclass(frozen=True)
class JobService:
    """One replica. `secrets` has what the sources of all its jobs need."""

    database: Database
    folder: Path
    fork_server: ForkServer
    batch_rows: int = 10
    secrets: Mapping[str, Any] | None = None

    @property
    def inbox(self) -> Path:
        """Where files are read from."""
        return self.folder

    def context(self) -> WorkerContext:
        """The context of its attempts."""
        parameters = {
            "chunk_rows": self.batch_rows,
            "inbox": str(self.inbox),
            "max_inflated_bytes": 512 << 20,
            "memory_bytes": 3072 << 20,
        }
        credentials = SourceCredentials(self.secrets or {})
        return WorkerContext(self.database, parameters, self.fork_server, self.folder, lambda _: credentials)

    async def record(self, request_id: str, source: Mapping[str, Any], **more: Any) -> None:
        """Record a start request as intake does."""
        body = {"action": "start", "dataset": "chats", "source": dict(source), **more}
        async with self.database.transaction() as connection:
            await requests.record(connection, request_id, StartRequest.model_validate(body), LIMITS, None)

    async def claim(self) -> Job:
        """Claim the next job."""
        job = await claims.claim(self.database, "owner", 3600)
        assert job is not None
        return job

    async def attempt(self, job: Job) -> Outcome:
        """Run one attempt of a claimed job to its outcome, which is not written."""
        return await asyncio.wait_for(Attempt(self.context(), job, _fence(job)).run(), 900)

    async def finish(self, job: Job, outcome: Outcome) -> Job:
        """Write the outcome of an attempt."""
        return await write_outcome(self.database, _fence(job), outcome)

    async def run(self, request_id: str, source: Mapping[str, Any], **more: Any) -> Job:
        """Record a request and run its job to the end of its attempt."""
        await self.record(request_id, source, **more)
        job = await self.claim()
        assert job.request_id == request_id, "another job waited"
        await self.finish(job, await self.attempt(job))
        return await get_job(self.database, request_id)

    async def import_workbook(self, name: str, request_id: str = "parent") -> Job:
        """Import a workbook of the inbox."""
        return await self.run(request_id, {"type": "excel", "file": {"path": name}})

    async def correct(self, name: str, request_id: str = "child", parent: str = "parent") -> Job:
        """Correct rejected rows of a job by a file of the inbox."""
        return await self.run(request_id, correction_source(name), **corrects(parent))


def correction_source(name: str) -> dict[str, Any]:
    """The source of a correction: a file in the inbox."""
    return {"type": "excel", "file": {"path": name}}


def corrects(parent: str) -> dict[str, Any]:
    """The part of a request that names the corrected job."""
    return {"corrects": {"request_id": parent}, "requested_by": "ivanova"}


def _fence(job: Job) -> FencingToken:
    assert job.token is not None
    return FencingToken(job.id, job.token)
