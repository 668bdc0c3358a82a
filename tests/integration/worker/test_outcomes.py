"""The end of an attempt is written whatever it is, and cancellations are not lost on the way."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from consumer.datasets.base import Merge
from consumer.frames import Kind
from consumer.lifecycle import Outcome, Refused, Stumbled
from consumer.sources.base import Access
from consumer.store import claims, requests
from consumer.store.connect import OwnConnection
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailable, ValueRefused
from consumer.store.jobs import Job
from consumer.store.leases import Fence
from consumer.worker import outages, run
from consumer.worker.attempt import Attempt, Workshop
from consumer.worker.child import Child, Frame
from consumer.worker.keeper import Intent, Keeper
from consumer.worker.reading import ChildFailed, Reading
from consumer.worker.worker import Terms, Worker
from schemas.requests import StartRequest
from schemas.text import MESSAGE_CHARS, NAME_CHARS
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


async def test_an_outcome_that_is_refused_whatever_it_says_is_left_to_the_rescue(
    database: Database, claimed: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Outcome] = []

    async def refuse(_database: Database, _fence: Fence, outcome: Outcome) -> Job:
        tries.append(outcome)
        raise ValueRefused("P0001")

    monkeypatch.setattr(run, "write_outcome", refuse)
    with pytest.raises(ValueRefused):
        await run._write(database, fence(claimed), Refused("missing_column", "no"))
    assert len(tries) == 2


async def test_a_job_whose_batches_find_no_connection_gives_way_to_others(
    database: Database, claimed: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All connections of its role are taken, say; heartbeats have theirs."""

    async def full(_self: Database) -> OwnConnection:
        raise DatabaseUnavailable("Postgres is not available (SQLSTATE 53300)")

    monkeypatch.setattr(Database, "data_connection", full)
    monkeypatch.setattr(outages, "WAIT_SECONDS", (0.0,))
    monkeypatch.setattr(outages, "IN_A_ROW", 2)
    shop = Workshop(database, {}, {"PYTHONPATH": "."}, tmp_path, lambda _: Access())
    outcome = await Attempt(shop, claimed, fence(claimed)).run()
    assert isinstance(outcome, Stumbled)
    assert outcome.ours
    assert "53300" in outcome.message


async def test_no_job_is_claimed_once_the_service_stops(database: Database, tmp_path: Path) -> None:
    async with database.transaction() as connection:
        await requests.record(connection, "r", StartRequest.model_validate(START), LIMITS, None)
    shop = Workshop(database, {}, {}, tmp_path, lambda _: Access())
    worker = Worker(shop, Terms("owner", 2, 10, 3))
    stop = asyncio.Event()
    stop.set()
    await worker._round(stop)
    assert worker.running == 0
    async with database.reader() as connection:
        assert await connection.fetchval("select status from migration.jobs") == "pending"


async def test_an_owner_without_heartbeats_gives_up_before_its_lease_does(
    database: Database, claimed: Job, caplog: pytest.LogCaptureFixture
) -> None:
    """They fail at once, so none of them hangs; tried until there is no trust left."""
    lease, beat = 6.0, 1.8
    await database.close()
    beats = 0

    def count() -> None:
        nonlocal beats
        beats += 1

    keeper = Keeper(database.reporting(count), fence(claimed), lease_seconds=lease, beat_seconds=beat)
    begun = asyncio.get_running_loop().time()
    beating = asyncio.create_task(keeper.run())
    await keeper.stopped()
    took = asyncio.get_running_loop().time() - begun
    await beating
    assert keeper.intent is Intent.UNSURE
    assert lease - beat - 0.1 < took < lease - beat / 2
    assert beats >= 3, "a failed one is soon tried again"


async def test_an_error_of_ours_in_taking_frames_is_told_as_what_it_is(
    database: Database, claimed: Job
) -> None:
    class Broken(Child):
        def __init__(self) -> None:
            """Nothing runs."""

        async def frames(self) -> AsyncIterator[Frame]:
            yield Frame(Kind.WAITING, {"detail": "first"}, b"")
            raise MemoryError

    reading = Reading(Broken(), session=None, database=database, fence=fence(claimed), quota=None)  # type: ignore[arg-type]
    with pytest.raises(MemoryError):
        await reading.run()
    async with database.reader() as connection:
        assert await connection.fetchval("select detail from migration.jobs") == "first"


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


def test_what_a_child_says_is_bounded_before_anything_is_made_of_it() -> None:
    failed = ChildFailed({"code": "x" * 1_000_000, "message": "Wrong. " + "x" * 10_000_000 + " Do this."})
    assert (len(failed.code), len(failed.message)) == (NAME_CHARS, MESSAGE_CHARS)
    assert len(str(failed)) == NAME_CHARS
    assert failed.message.endswith(" Do this.")
