"""The end of an attempt is written whatever it is, and cancellations are not lost on the way."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from consumer.datasets.base import Merge
from consumer.lifecycle import Outcome, Refused
from consumer.sources.base import Access
from consumer.store import claims, requests
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.store.leases import Fence
from consumer.worker import run
from consumer.worker.attempt import Attempt, Workshop
from schemas.requests import StartRequest
from tests.support.wait import until_async

LIMITS = requests.Limits(timeout_seconds=60, max_attempts=3)
START = {"action": "start", "dataset": "chats", "source": {"type": "excel", "file": {"path": "x.xlsx"}}}


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def claimed(database: Database) -> Job:
    async with database.transaction() as connection:
        await requests.record(connection, "r", StartRequest.model_validate(START), LIMITS, None)
    job = await claims.claim(database, "owner", 60)
    assert job is not None
    return job


def fence(job: Job) -> Fence:
    assert job.token is not None
    return Fence(job.id, job.token)


async def test_an_outcome_that_postgres_refuses_ends_the_job_all_the_same(
    database: Database, claimed: Job
) -> None:
    await run._write(database, fence(claimed), Refused("missing_column", "Found: «a\x00b»"))
    async with database.reader() as connection:
        found = await connection.fetchrow("select status, error_code from migration.jobs")
    assert found is not None
    assert tuple(found) == ("failed", "internal_error")


class Swallowing(Attempt):
    """A reading whose cancellation is replaced by an error of a dying connection."""

    readings = 0

    async def has_begun(self) -> bool:
        return self.readings > 0

    async def _reading(self, merge: Merge) -> Outcome | None:
        self.readings += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return None
        raise AssertionError


async def test_a_swallowed_cancellation_begins_no_further_reading(
    database: Database, claimed: Job, tmp_path: Path
) -> None:
    attempt = Swallowing(Workshop(database, {}, {}, tmp_path, lambda _: Access()), claimed, fence(claimed))
    task = asyncio.create_task(attempt.run())
    await until_async(attempt.has_begun, 5, "the first reading")
    attempt.stop()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await task
    assert attempt.readings == 1
