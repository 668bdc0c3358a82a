"""The end of an attempt is written whatever it is, and cancellations are not lost on the way."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from consumer.datasets.base import MergePlan
from consumer.ipc import FrameType
from consumer.lifecycle import Outcome, PermanentFailure, TransientFailure
from consumer.sources.base import SourceCredentials
from consumer.store import claims, requests
from consumer.store.connect import DedicatedConnection
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError, DataRejectedError
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.worker import job_runner, outages
from consumer.worker.attempt import Attempt, WorkerContext
from consumer.worker.batch_ingest import BatchIngest, ExtractionFailedError
from consumer.worker.extractor_process import ExtractorProcess, Frame
from consumer.worker.lease_heartbeat import LeaseHeartbeat, StopReason
from consumer.worker.worker import Worker, WorkerConfig
from schemas.requests import StartRequest
from schemas.text import MAX_MESSAGE_CHARS, MAX_NAME_CHARS
from tests.support.wait import wait_until_async

LIMITS = requests.JobDefaults(timeout_seconds=60, max_attempts=3)
START = {"action": "start", "dataset": "chats", "source": {"type": "excel", "file": {"path": "x.xlsx"}}}


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def claimed_job(database: Database) -> Job:
    async with database.transaction() as connection:
        await requests.record(connection, "r", StartRequest.model_validate(START), LIMITS, None)
    job = await claims.claim(database, "owner", 60)
    assert job is not None
    return job


def fencing_token(job: Job) -> FencingToken:
    assert job.token is not None
    return FencingToken(job.id, job.token)


async def test_an_outcome_that_postgres_refuses_ends_the_job_all_the_same(
    database: Database, claimed_job: Job
) -> None:
    await job_runner._persist_outcome(
        database, fencing_token(claimed_job), PermanentFailure("missing_column", "Found: «a\x00b»")
    )
    async with database.read_transaction() as connection:
        found = await connection.fetchrow("select status, error_code from migration.jobs")
    assert found is not None
    assert tuple(found) == ("failed", "internal_error")


async def test_an_outcome_that_is_refused_whatever_it_says_is_left_to_the_rescue(
    database: Database, claimed_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Outcome] = []

    async def refuse(_database: Database, _fence: FencingToken, outcome: Outcome) -> Job:
        tries.append(outcome)
        raise DataRejectedError("P0001")

    monkeypatch.setattr(job_runner, "write_outcome", refuse)
    with pytest.raises(DataRejectedError):
        await job_runner._persist_outcome(
            database, fencing_token(claimed_job), PermanentFailure("missing_column", "no")
        )
    assert len(tries) == 2


async def test_a_job_whose_batches_find_no_connection_gives_way_to_others(
    database: Database, claimed_job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All connections of its role are taken, say; heartbeats have theirs."""

    async def full(_self: Database) -> DedicatedConnection:
        raise DatabaseUnavailableError("Postgres is not available (SQLSTATE 53300)")

    monkeypatch.setattr(Database, "data_connection", full)
    monkeypatch.setattr(outages, "INITIAL_BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(outages, "MAX_CONSECUTIVE_OUTAGES", 2)
    shop = WorkerContext(database, {}, {"PYTHONPATH": "."}, tmp_path, lambda _: SourceCredentials())
    outcome = await Attempt(shop, claimed_job, fencing_token(claimed_job)).run()
    assert isinstance(outcome, TransientFailure)
    assert outcome.internal
    assert "53300" in outcome.message


async def test_no_job_is_claimed_once_the_service_stops(database: Database, tmp_path: Path) -> None:
    async with database.transaction() as connection:
        await requests.record(connection, "r", StartRequest.model_validate(START), LIMITS, None)
    shop = WorkerContext(database, {}, {}, tmp_path, lambda _: SourceCredentials())
    worker = Worker(shop, WorkerConfig("owner", 2, 10, 3))
    stop = asyncio.Event()
    stop.set()
    await worker._poll_once(stop)
    assert worker.running_jobs == 0
    async with database.read_transaction() as connection:
        assert await connection.fetchval("select status from migration.jobs") == "pending"


async def test_an_owner_without_heartbeats_gives_up_before_its_lease_does(
    database: Database, claimed_job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    """They fail at once, so none of them hangs; tried until there is no trust left."""
    lease, beat = 6.0, 1.8
    await database.close()
    beats = 0

    def count() -> None:
        nonlocal beats
        beats += 1

    keeper = LeaseHeartbeat(
        database.with_heartbeat(count),
        fencing_token(claimed_job),
        lease_seconds=lease,
        heartbeat_seconds=beat,
    )
    begun = asyncio.get_running_loop().time()
    beating = asyncio.create_task(keeper.run())
    await keeper.wait_stopped()
    took = asyncio.get_running_loop().time() - begun
    await beating
    assert keeper.stop_reason is StopReason.LEASE_UNCERTAIN
    assert lease - beat - 0.1 < took < lease - beat / 2
    assert beats >= 3, "a failed one is soon tried again"


async def test_an_error_of_ours_in_taking_frames_is_told_as_what_it_is(
    database: Database, claimed_job: Job
) -> None:
    class Broken(ExtractorProcess):
        def __init__(self) -> None:
            """Nothing runs."""

        async def frames(self) -> AsyncIterator[Frame]:
            yield Frame(FrameType.WAITING, {"detail": "first"}, b"")
            raise MemoryError

    reading = BatchIngest(
        Broken(),
        writer=None,  # type: ignore[arg-type]
        database=database,
        fence=fencing_token(claimed_job),
        rate_limiter=None,
    )
    with pytest.raises(MemoryError):
        await reading.run()
    async with database.read_transaction() as connection:
        assert await connection.fetchval("select detail from migration.jobs") == "first"


class CancellationSwallowingAttempt(Attempt):
    """A reading whose cancellation is replaced by an error of a dying connection."""

    runs = 0

    async def has_begun(self) -> bool:
        return self.runs > 0

    async def _run_extraction(self, merge: MergePlan) -> Outcome | None:
        self.runs += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return None
        raise AssertionError


async def test_a_swallowed_cancellation_begins_no_further_reading(
    database: Database, claimed_job: Job, tmp_path: Path
) -> None:
    attempt = CancellationSwallowingAttempt(
        WorkerContext(database, {}, {}, tmp_path, lambda _: SourceCredentials()),
        claimed_job,
        fencing_token(claimed_job),
    )
    task = asyncio.create_task(attempt.run())
    await wait_until_async(attempt.has_begun, 5, "the first reading")
    attempt.stop()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await task
    assert attempt.runs == 1


def test_what_a_child_says_is_bounded_before_anything_is_made_of_it() -> None:
    failed = ExtractionFailedError(
        {"code": "x" * 1_000_000, "message": "Wrong. " + "x" * 10_000_000 + " Do this."}
    )
    assert (len(failed.code), len(failed.message)) == (MAX_NAME_CHARS, MAX_MESSAGE_CHARS)
    assert len(str(failed)) == MAX_NAME_CHARS
    assert failed.message.endswith(" Do this.")
