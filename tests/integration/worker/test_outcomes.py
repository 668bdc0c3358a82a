"""Every attempt ends with a persisted outcome, and no cancellation is lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from consumer.ipc import Frame, FrameType
from consumer.lifecycle import Outcome, PermanentFailure, TransientFailure
from consumer.sources.base import SourceCredentials
from consumer.store import claims, requests
from consumer.store.connect import DedicatedConnection
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError, DataRejectedError
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.worker import extraction_failures, job_runner
from consumer.worker.attempt import Attempt
from consumer.worker.batch_ingest import BatchIngest
from consumer.worker.context import WorkerContext
from consumer.worker.extraction_failures import ExtractionFailedError
from consumer.worker.extractor_process import ExtractorProcess
from consumer.worker.fork_server import ForkServer
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


async def test_outcome_rejected_by_postgres_fails_job(database: Database, claimed_job: Job) -> None:
    await job_runner._persist_outcome(
        database, fencing_token(claimed_job), PermanentFailure("missing_column", "Found: «a\x00b»")
    )
    async with database.read_transaction() as connection:
        row = await connection.fetchrow("select status, error_code from migration.jobs")
    assert row is not None
    assert tuple(row) == ("failed", "internal_error")


async def test_job_is_left_to_rescue_when_every_outcome_is_rejected(
    database: Database, claimed_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: list[Outcome] = []

    async def reject(_database: Database, _fence: FencingToken, outcome: Outcome) -> Job:
        outcomes.append(outcome)
        raise DataRejectedError("P0001")

    monkeypatch.setattr(job_runner, "write_outcome", reject)
    with pytest.raises(DataRejectedError):
        await job_runner._persist_outcome(
            database, fencing_token(claimed_job), PermanentFailure("missing_column", "no")
        )
    assert len(outcomes) == 2


async def test_job_without_data_connection_is_requeued(
    database: Database, claimed_job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example when all connections of its role are in use; heartbeats have their own."""

    async def fail_to_connect(_self: Database) -> DedicatedConnection:
        raise DatabaseUnavailableError("Postgres is not available (SQLSTATE 53300)")

    monkeypatch.setattr(Database, "data_connection", fail_to_connect)
    monkeypatch.setattr(extraction_failures, "INITIAL_BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(extraction_failures, "MAX_CONSECUTIVE_OUTAGES", 2)
    fork_server = ForkServer({"PYTHONPATH": "."})
    limits = {"memory_bytes": 2**30}
    context = WorkerContext(database, limits, fork_server, tmp_path, lambda _: SourceCredentials())
    try:
        outcome = await Attempt(context, claimed_job, fencing_token(claimed_job)).run()
    finally:
        await fork_server.close()
    assert isinstance(outcome, TransientFailure)
    assert outcome.internal
    assert "53300" in outcome.message


async def test_no_job_is_claimed_after_stop(database: Database, tmp_path: Path) -> None:
    async with database.transaction() as connection:
        await requests.record(connection, "r", StartRequest.model_validate(START), LIMITS, None)
    context = WorkerContext(database, {}, ForkServer({}), tmp_path, lambda _: SourceCredentials())
    worker = Worker(context, WorkerConfig("owner", 2, 10, 3))
    stop = asyncio.Event()
    stop.set()
    await worker._poll_once(stop)
    assert worker.running_jobs == 0
    async with database.read_transaction() as connection:
        assert await connection.fetchval("select status from migration.jobs") == "pending"


async def test_failed_renewals_stop_the_attempt_before_the_lease_expires(
    database: Database, claimed_job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    """Renewals that fail at once are retried until the lease is no longer safe."""
    lease, beat = 6.0, 1.8
    await database.close()
    beats = 0

    def count() -> None:
        nonlocal beats
        beats += 1

    lease_heartbeat = LeaseHeartbeat(
        database.with_heartbeat(count),
        fencing_token(claimed_job),
        lease_seconds=lease,
        heartbeat_seconds=beat,
    )
    start = asyncio.get_running_loop().time()
    task = asyncio.create_task(lease_heartbeat.run())
    await lease_heartbeat.wait_stopped()
    took = asyncio.get_running_loop().time() - start
    await task
    assert lease_heartbeat.stop_reason is StopReason.LEASE_UNCERTAIN
    assert lease - beat - 0.1 < took < lease - beat / 2
    assert beats >= 3, "a failed renewal is retried soon"


async def test_unexpected_error_while_reading_frames_is_raised(database: Database, claimed_job: Job) -> None:
    class Broken(ExtractorProcess):
        def __init__(self) -> None:
            """Nothing runs."""

        async def frames(self) -> AsyncIterator[Frame]:
            yield Frame(FrameType.WAITING, {"detail": "first"}, b"")
            raise MemoryError

    ingest = BatchIngest(
        Broken(),
        writer=None,  # type: ignore[arg-type]
        database=database,
        fence=fencing_token(claimed_job),
        rate_limiter=None,
    )
    with pytest.raises(MemoryError):
        await ingest.run()
    async with database.read_transaction() as connection:
        assert await connection.fetchval("select detail from migration.jobs") == "first"


class CancellationSwallowingAttempt(Attempt):
    """Its cancellation is replaced by an error of a lost connection."""

    runs = 0

    async def has_started(self) -> bool:
        return self.runs > 0

    async def _run_extraction(self) -> Outcome | None:
        self.runs += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return None
        raise AssertionError


async def test_no_extraction_starts_after_swallowed_cancellation(
    database: Database, claimed_job: Job, tmp_path: Path
) -> None:
    attempt = CancellationSwallowingAttempt(
        WorkerContext(database, {}, ForkServer({}), tmp_path, lambda _: SourceCredentials()),
        claimed_job,
        fencing_token(claimed_job),
    )
    task = asyncio.create_task(attempt.run())
    await wait_until_async(attempt.has_started, 5, "the first extraction")
    attempt.stop()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await task
    assert attempt.runs == 1


def test_reported_error_is_shortened() -> None:
    failed = ExtractionFailedError(
        {"code": "x" * 1_000_000, "message": "Wrong. " + "x" * 10_000_000 + " Do this."}
    )
    assert (len(failed.code), len(failed.message)) == (MAX_NAME_CHARS, MAX_MESSAGE_CHARS)
    assert len(str(failed)) == MAX_NAME_CHARS
    assert failed.message.endswith(" Do this.")
