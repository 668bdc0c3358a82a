"""A job that needs what a replica does not know is left to others, and says what it waits for."""

import pytest

from consumer.store import claims
from consumer.store.database import Database
from consumer.store.unclaimable_jobs import report_unclaimable
from consumer.waiting import waiting_for_version
from schemas.status import Status
from tests.integration.store import previous_release
from tests.support.job_factories import (
    execute,
    get_job,
    make_pending_job,
    make_running_job,
    outbox_events,
)

SET_NEEDS = "update migration.jobs set needs = $2 where request_id = $1"
SET_WAITING = "update migration.jobs set available_at = clock_timestamp() - make_interval(secs => $1)"


async def _make_job(database: Database, *needs: str, request_id: str = "r-1") -> int:
    job = await make_pending_job(database, request_id)
    await execute(database, SET_NEEDS, request_id, list(needs))
    return job.id


async def test_replica_leaves_a_job_with_an_unknown_need_alone(database: Database) -> None:
    await _make_job(database, "columns", "dry_run")
    assert await claims.claim(database, "old", 60, known_needs=["columns"]) is None
    waiting = await get_job(database, "r-1")
    assert (waiting.status, waiting.needs) == (Status.PENDING, ["columns", "dry_run"])
    claimed = await claims.claim(database, "new", 60, known_needs=["columns", "corrects", "dry_run"])
    assert claimed is not None
    assert claimed.status is Status.RUNNING


async def test_replica_claims_jobs_behind_one_that_it_leaves_alone(database: Database) -> None:
    await _make_job(database, "dry_run")
    other = await _make_job(database, request_id="r-2")
    claimed = await claims.claim(database, "old", 60, known_needs=[])
    assert claimed is not None
    assert claimed.id == other


async def test_job_that_no_replica_claims_says_what_it_waits_for(database: Database) -> None:
    job_id = await _make_job(database, "columns", "dry_run")
    await _make_job(database, request_id="r-2")
    await execute(database, SET_WAITING, 31.0)
    [reported] = await report_unclaimable(database, known_needs=["columns"])
    assert reported.id == job_id
    assert reported.detail == waiting_for_version(["dry_run"])
    *_, event = await outbox_events(database, job_id)
    assert (event["status"], event["detail"]) == (
        "pending",
        "waiting for a replica of a later version, which knows dry_run",
    )
    assert event["sequence"] == reported.sequence


async def test_detail_of_an_unclaimed_job_is_written_once(database: Database) -> None:
    await _make_job(database, "dry_run", "max_rejected")
    await execute(database, SET_WAITING, 31.0)
    await report_unclaimable(database, known_needs=[])
    assert await report_unclaimable(database, known_needs=[]) == []
    assert await report_unclaimable(database, known_needs=["dry_run"]) == [], "two versions take no turns"


@pytest.mark.parametrize(("known_needs", "seconds"), [(["dry_run"], 31.0), ([], 29.0)])
async def test_detail_stays_empty_while_a_claim_is_likely(
    database: Database, known_needs: list[str], seconds: float
) -> None:
    await _make_job(database, "dry_run")
    await execute(database, SET_WAITING, seconds)
    assert await report_unclaimable(database, known_needs) == []
    assert (await get_job(database, "r-1")).detail is None


async def test_claim_clears_the_detail(database: Database) -> None:
    await _make_job(database, "dry_run")
    await execute(database, SET_WAITING, 31.0)
    await report_unclaimable(database, known_needs=[])
    claimed = await claims.claim(database, "new", 60, known_needs=["dry_run"])
    assert claimed is not None
    assert claimed.detail is None


async def test_previous_release_completes_its_jobs_on_the_later_schema(database: Database) -> None:
    job, fence = await make_running_job(database)
    await previous_release.start_load(database, fence, "f")
    await previous_release.complete(database, fence, inserted=7, failed=3)
    after = await get_job(database, "r-1")
    assert (after.status, after.total, after.processed, after.failed) == (Status.COMPLETED, 10, 7, 3)
    assert after.id == job.id
