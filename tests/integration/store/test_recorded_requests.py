"""What a POST is compared with: the job of its request id, or the archived request."""

from datetime import timedelta

from consumer.store import pruning, recorded_requests
from consumer.store.database import Database
from consumer.store.recorded_requests import RecordedRequest, differences, find_recorded
from schemas.status import Status
from tests.integration.store.old_jobs import make_ended_job, no_pause
from tests.support.job_factories import get_job, make_request, record_request

OPTIONS = {"timeout_seconds": 60}


async def _find(database: Database, request_id: str) -> RecordedRequest | None:
    async with database.read_transaction() as connection:
        return await find_recorded(connection, request_id)


async def test_recorded_request_is_found_with_job_and_options(database: Database) -> None:
    body = make_request(options=OPTIONS)
    await record_request(database, "r-1", body)
    found = await _find(database, "r-1")
    assert found is not None
    assert (found.digest, found.last_event) == (body.digest(), None)
    assert found.job is not None
    assert found.job.options == {"timeout_seconds": 60, "max_attempts": None}
    assert differences(found.job, body) == []
    assert differences(found.job, make_request(options={"max_attempts": 9})) == [
        "options.max_attempts",
        "options.timeout_seconds",
    ]


async def test_archived_request_is_found_with_its_last_event(database: Database) -> None:
    job = await make_ended_job(database, "r-1", Status.FAILED)
    assert await pruning.prune_jobs(database, timedelta(), no_pause) == 1
    found = await _find(database, "r-1")
    assert found is not None
    assert (found.digest, found.job) == (make_request().digest(), None)
    assert found.last_event is not None
    assert (found.last_event.job_id, found.last_event.status) == (job.id, Status.FAILED)


async def test_unknown_request_is_not_found(database: Database) -> None:
    await record_request(database, "r-1")
    assert await _find(database, "r-2") is None


async def test_options_are_recorded_as_requested(database: Database) -> None:
    """Without those of later versions that are not used, which an older replica would not know."""
    await record_request(database, "r-1")
    recorded = await get_job(database, "r-1")
    requested = make_request().options
    assert recorded.options == {
        "timeout_seconds": requested.timeout_seconds,
        "max_attempts": requested.max_attempts,
    }
    assert differences(recorded, make_request()) == []


async def test_many_digests_are_read_at_once(database: Database) -> None:
    await make_ended_job(database, "r-removed")
    await pruning.prune_jobs(database, timedelta(), no_pause)
    await record_request(database, "r-1", make_request("other.xlsx"))
    async with database.read_transaction() as connection:
        found = await recorded_requests.recorded_digests(connection, ["r-1", "r-2", "r-removed"])
        assert await recorded_requests.recorded_digests(connection, []) == {}
    assert found == {"r-1": make_request("other.xlsx").digest(), "r-removed": make_request().digest()}
