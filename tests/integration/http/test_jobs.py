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
    """Make jobs r-1 to r-3: failed, running, pending; returns their numbers."""
    failed, fencing_token = await make_running_job(database, "r-1")
    async with database.transaction() as connection:
        await transitions.apply(
            connection, failed.id, fencing_token.token, Fail("no_rows", "the source is empty")
        )
    job, _ = await make_running_job(database, "r-2")
    return [failed.id, job.id, (await make_pending_job(database, "r-3")).id]


async def _ids(client: httpx.AsyncClient, **params: Any) -> list[str]:
    response = await client.get(JOBS, params=params)
    assert response.status_code == 200, response.text
    return [job["request_id"] for job in response.json()["items"]]


async def test_jobs_are_listed_newest_first(database: Database, client: httpx.AsyncClient) -> None:
    await _make_three_jobs(database)
    assert await _ids(client) == ["r-3", "r-2", "r-1"]


async def test_jobs_are_filtered_by_status(database: Database, client: httpx.AsyncClient) -> None:
    await _make_three_jobs(database)
    assert await _ids(client, status="running") == ["r-2"]
    assert await _ids(client, status="cancelled") == []


async def test_pages_contain_every_job_once(database: Database, client: httpx.AsyncClient) -> None:
    for n in range(7):
        await make_pending_job(database, f"r-{n}")
    received, params = [], dict[str, Any](limit=3)
    for expected_count in (3, 3, 1):
        page = (await client.get(JOBS, params=params)).json()
        assert len(page["items"]) == expected_count
        received += [job["request_id"] for job in page["items"]]
        params["before"] = page["next"]
    assert received == [f"r-{n}" for n in reversed(range(7))]
    assert page["next"] is None


async def test_last_page_may_be_full(database: Database, client: httpx.AsyncClient) -> None:
    await _make_three_jobs(database)
    assert (await client.get(JOBS, params={"limit": 3})).json()["next"] is None


async def test_job_is_found_by_number_and_by_request_id(
    database: Database, client: httpx.AsyncClient
) -> None:
    first, *_ = await _make_three_jobs(database)
    by_number = (await client.get(f"{JOBS}/{first}")).json()
    assert by_number == (await client.get(f"{JOBS}/r-1")).json()
    assert (by_number["id"], by_number["request_id"]) == (first, "r-1")
    assert by_number["error"] == {"code": "no_rows", "message": "the source is empty"}


async def test_job_has_the_fields_of_its_events_and_those_of_the_service(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_pending_job(database, "r-1", requested_by="ivanova")
    job = (await client.get(f"{JOBS}/r-1")).json()
    envelope = {"schema_version", "event_id", "occurred_at", "job_id"}
    only_in_view = {
        *("id", "created_at", "updated_at", "requested_by", "cancel_requested", "checkpoint"),
        *("max_rejected", "all_or_nothing", "corrections"),
    }
    assert set(job) == set(StatusEvent.model_fields) - envelope | only_in_view
    assert (job["status"], job["requested_by"], job["total"], job["error"]) == (
        "pending",
        "ivanova",
        None,
        None,
    )


async def test_stored_batch_changes_updated_at(database: Database, client: httpx.AsyncClient) -> None:
    await execute(database, minimal_dataset.TABLES)
    _, fencing_token = await make_running_job(database, "r-1")
    before = (await client.get(f"{JOBS}/r-1")).json()
    session = await BatchWriter.open(database, fencing_token, minimal_dataset.MERGE)
    await session.write(minimal_dataset.make_batch(minimal_dataset.make_things(2)))
    await session.close()
    after = (await client.get(f"{JOBS}/r-1")).json()
    assert (before["checkpoint"], after["checkpoint"]) == (None, 2)
    assert datetime.fromisoformat(after["updated_at"]) > datetime.fromisoformat(before["updated_at"])


@pytest.mark.parametrize("request_id", ["чаты 2026", "a/b", "a/b/", "50%", "?x=1#y", "errors", "a b&c"])
async def test_any_request_id_can_be_read(
    database: Database, client: httpx.AsyncClient, request_id: str
) -> None:
    await make_pending_job(database, request_id)
    response = await client.get(f"{JOBS}/{quote(request_id, safe='')}")
    assert response.json()["request_id"] == request_id
    page = (await client.get(f"{JOBS}/{quote(request_id, safe='')}/errors")).json()
    assert page == {"items": [], "next": None, "load": 0}


async def test_request_id_takes_precedence_over_a_job_number(
    database: Database, client: httpx.AsyncClient
) -> None:
    first = await make_pending_job(database, "r-1")
    await make_pending_job(database, str(first.id))
    assert (await client.get(f"{JOBS}/{first.id}")).json()["request_id"] == str(first.id)


async def test_job_number_with_leading_zeros_is_404(database: Database, client: httpx.AsyncClient) -> None:
    first = await make_pending_job(database, "r-1")
    assert (await client.get(f"{JOBS}/{first.id}")).status_code == 200
    assert (await client.get(f"{JOBS}/0000{first.id}")).status_code == 404


UNKNOWN_JOBS = ["unknown", "99", "9" * 19, "9" * 20, "9" * 5000, "-1", "%00", "%ED%A0%80", "½", "٣"]


@pytest.mark.parametrize("request_id", UNKNOWN_JOBS)
async def test_unknown_job_is_404(client: httpx.AsyncClient, request_id: str) -> None:
    for path in (f"{JOBS}/{request_id}", f"{JOBS}/{request_id}/errors"):
        response = await client.get(path)
        assert response.status_code == 404
        assert response.json()["detail"].startswith("There is no job with request id or number")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit (query)"),
        ("limit=501", "limit (query)"),
        ("limit=many", "limit (query)"),
        ("before=0", "before (query)"),
        ("before=9223372036854775808", "before (query)"),
        ("status=lost", "status (query)"),
    ],
)
async def test_invalid_parameter_is_named(client: httpx.AsyncClient, query: str, field: str) -> None:
    response = await client.get(f"{JOBS}?{query}")
    assert response.status_code == 422
    assert response.json()["detail"].startswith(field)
    assert response.json()["detail"].endswith(".")


async def test_unknown_paths_and_methods_are_problems(client: httpx.AsyncClient) -> None:
    not_found = await client.get("/migration")
    assert (not_found.status_code, not_found.json()["detail"][:21]) == (404, "There is nothing here")
    not_allowed = await client.delete(JOBS)
    assert (not_allowed.status_code, "does not take" in not_allowed.json()["detail"]) == (405, True)
    assert not_allowed.headers["allow"] == "GET"


async def test_internal_error_is_a_problem(database: Database, client: httpx.AsyncClient) -> None:
    await execute(database, "alter table migration.jobs rename column detail to details")
    response = await client.get(JOBS)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "urn:chat-migration:problem:internal_error",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "The service met an error of its own; its log says which.",
        "code": "internal_error",
        "errors": [],
    }


async def test_openapi_document_lists_every_path(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert set(paths) == {
        "/healthz",
        "/metrics",
        "/readyz",
        "/migration/database",
        "/migration/datasets/{name}/template",
        "/migration/excel",
        "/migration/google-sheets",
        "/migration/requests",
        "/migration/jobs",
        "/migration/jobs/{id}",
        "/migration/jobs/{id}/attempts",
        "/migration/jobs/{id}/cancel",
        "/migration/jobs/{id}/columns",
        "/migration/jobs/{id}/corrections",
        "/migration/jobs/{id}/errors",
        "/migration/jobs/{id}/errors/summary",
        "/migration/jobs/{id}/events",
        "/migration/jobs/{id}/import",
        "/migration/jobs/{id}/retry",
    }
