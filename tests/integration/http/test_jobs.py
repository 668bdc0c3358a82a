"""Reading jobs over HTTP."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from consumer.lifecycle import Fail
from consumer.store import transitions
from consumer.store.batch_writer import BatchWriter
from consumer.store.database import Database
from schemas.status import StatusEvent
from tests.integration.store import minimal_dataset
from tests.support.job_factories import execute, make_pending_job, make_running_job

JOBS = "/migration/jobs"


async def _make_three_jobs(database: Database) -> list[int]:
    """Jobs r-1 to r-3: failed, running, pending; their numbers."""
    failed, fence = await make_running_job(database, "r-1")
    async with database.transaction() as connection:
        await transitions.apply(connection, failed.id, fence.token, Fail("no_rows", "the source is empty"))
    job, _ = await make_running_job(database, "r-2")
    return [failed.id, job.id, (await make_pending_job(database, "r-3")).id]


async def _ids(client: httpx.AsyncClient, **params: Any) -> list[str]:
    answer = await client.get(JOBS, params=params)
    assert answer.status_code == 200, answer.text
    return [job["request_id"] for job in answer.json()["items"]]


async def test_jobs_come_newest_first(database: Database, client: httpx.AsyncClient) -> None:
    await _make_three_jobs(database)
    assert await _ids(client) == ["r-3", "r-2", "r-1"]


async def test_jobs_can_be_asked_for_by_status(database: Database, client: httpx.AsyncClient) -> None:
    await _make_three_jobs(database)
    assert await _ids(client, status="running") == ["r-2"]
    assert await _ids(client, status="cancelled") == []


async def test_pages_lead_through_all_jobs_once(database: Database, client: httpx.AsyncClient) -> None:
    for n in range(7):
        await make_pending_job(database, f"r-{n}")
    seen, params = [], dict[str, Any](limit=3)
    for length in (3, 3, 1):
        page = (await client.get(JOBS, params=params)).json()
        assert len(page["items"]) == length
        seen += [job["request_id"] for job in page["items"]]
        params["before"] = page["next"]
    assert seen == [f"r-{n}" for n in reversed(range(7))]
    assert page["next"] is None


async def test_a_page_that_is_just_full_is_the_last(database: Database, client: httpx.AsyncClient) -> None:
    await _make_three_jobs(database)
    assert (await client.get(JOBS, params={"limit": 3})).json()["next"] is None


async def test_a_job_is_found_by_its_number_and_by_its_request_id(
    database: Database, client: httpx.AsyncClient
) -> None:
    first, *_ = await _make_three_jobs(database)
    by_number = (await client.get(f"{JOBS}/{first}")).json()
    assert by_number == (await client.get(f"{JOBS}/r-1")).json()
    assert (by_number["id"], by_number["request_id"]) == (first, "r-1")
    assert by_number["error"] == {"code": "no_rows", "message": "the source is empty"}


async def test_a_job_shows_all_that_its_events_say_and_what_only_the_service_knows(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_pending_job(database, "r-1", requested_by="ivanova")
    job = (await client.get(f"{JOBS}/r-1")).json()
    envelope = {"schema_version", "event_id", "occurred_at", "job_id"}
    own = {"id", "created_at", "updated_at", "requested_by", "cancel_requested", "checkpoint"}
    assert set(job) == set(StatusEvent.model_fields) - envelope | own
    assert (job["status"], job["requested_by"], job["total"], job["error"]) == (
        "pending",
        "ivanova",
        None,
        None,
    )


async def test_a_job_shows_when_a_batch_was_stored_last(
    database: Database, client: httpx.AsyncClient
) -> None:
    await execute(database, minimal_dataset.TABLES)
    _, fence = await make_running_job(database, "r-1")
    before = (await client.get(f"{JOBS}/r-1")).json()
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    await session.write(minimal_dataset.make_batch(minimal_dataset.make_things(2)))
    await session.close()
    after = (await client.get(f"{JOBS}/r-1")).json()
    assert (before["checkpoint"], after["checkpoint"]) == (None, 2)
    assert datetime.fromisoformat(after["updated_at"]) > datetime.fromisoformat(before["updated_at"])


@pytest.mark.parametrize("name", ["чаты 2026", "a/b", "a/b/", "50%", "?x=1#y", "errors", "a b&c"])
async def test_any_request_id_can_be_asked_for(
    database: Database, client: httpx.AsyncClient, name: str
) -> None:
    await make_pending_job(database, name)
    answer = await client.get(f"{JOBS}/{quote(name, safe='')}")
    assert answer.json()["request_id"] == name
    page = (await client.get(f"{JOBS}/{quote(name, safe='')}/errors")).json()
    assert page == {"items": [], "next": None, "load": 0}


async def test_a_request_id_that_looks_like_a_number_is_never_taken_for_another_job(
    database: Database, client: httpx.AsyncClient
) -> None:
    first = await make_pending_job(database, "r-1")
    await make_pending_job(database, str(first.id))
    assert (await client.get(f"{JOBS}/{first.id}")).json()["request_id"] == str(first.id)


async def test_the_number_of_a_job_is_written_in_one_form(
    database: Database, client: httpx.AsyncClient
) -> None:
    first = await make_pending_job(database, "r-1")
    assert (await client.get(f"{JOBS}/{first.id}")).status_code == 200
    assert (await client.get(f"{JOBS}/0000{first.id}")).status_code == 404


UNKNOWN_JOBS = ["nobody", "99", "9" * 19, "9" * 20, "9" * 5000, "-1", "%00", "%ED%A0%80", "½", "٣"]


@pytest.mark.parametrize("name", UNKNOWN_JOBS)
async def test_a_job_that_is_not_there_is_said_not_to_be(client: httpx.AsyncClient, name: str) -> None:
    for path in (f"{JOBS}/{name}", f"{JOBS}/{name}/errors"):
        answer = await client.get(path)
        assert answer.status_code == 404
        assert answer.json()["detail"].startswith("There is no job with request id or number")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=0", "limit (query)"),
        ("limit=501", "limit (query)"),
        ("limit=many", "limit (query)"),
        ("before=0", "before (query)"),
        ("before=9223372036854775808", "before (query)"),
        ("status=lost", "status (query)"),
    ],
)
async def test_a_wrong_question_is_answered_with_what_is_wrong(
    client: httpx.AsyncClient, query: str, named: str
) -> None:
    answer = await client.get(f"{JOBS}?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(named)
    assert answer.json()["detail"].endswith(".")


async def test_other_addresses_and_methods_are_answered_with_a_sentence(client: httpx.AsyncClient) -> None:
    nothing = await client.get("/migration")
    assert (nothing.status_code, nothing.json()["detail"][:21]) == (404, "There is nothing here")
    method = await client.delete(JOBS)
    assert (method.status_code, "does not take" in method.json()["detail"]) == (405, True)
    assert method.headers["allow"] == "GET"


async def test_a_defect_of_ours_is_a_sentence_too(database: Database, client: httpx.AsyncClient) -> None:
    await execute(database, "alter table migration.jobs rename column detail to details")
    answer = await client.get(JOBS)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:chat-migration:problem:internal_error",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "The service met an error of its own; its log says which.",
        "code": "internal_error",
        "errors": [],
    }


async def test_the_documentation_says_what_there_is(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert set(paths) == {
        "/healthz",
        "/metrics",
        "/readyz",
        "/migration/database",
        "/migration/excel",
        "/migration/google-sheets",
        "/migration/requests",
        "/migration/jobs",
        "/migration/jobs/{id}",
        "/migration/jobs/{id}/attempts",
        "/migration/jobs/{id}/cancel",
        "/migration/jobs/{id}/errors",
        "/migration/jobs/{id}/errors/summary",
        "/migration/jobs/{id}/events",
        "/migration/jobs/{id}/retry",
    }
