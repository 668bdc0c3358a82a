"""Filters, entity tags, attempts and the summary of rejected rows over HTTP."""

import csv
import io
from typing import Any

import httpx
import pytest

from consumer.lifecycle import Fail
from consumer.store import transitions
from consumer.store.batch_writer import BatchWriter
from consumer.store.database import Database
from tests.integration.http.rejected_jobs import make_job_with_rejected_rows
from tests.integration.store import minimal_dataset
from tests.support.job_factories import execute, make_pending_job, make_running_job, make_taken_over_job

JOBS = "/migration/jobs"


async def _ids(client: httpx.AsyncClient, **params: Any) -> list[str]:
    response = await client.get(JOBS, params=params)
    assert response.status_code == 200, response.text
    return [job["request_id"] for job in response.json()["items"]]


async def test_jobs_are_filtered_by_requested_by_and_prefix(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_pending_job(database, "nightly-1", path="old.xlsx", requested_by="cron")
    await make_pending_job(database, "nightly-2", path="new.xlsx", requested_by="cron")
    await make_pending_job(database, "r-3", path="nightly.xlsx", requested_by="ivanova")
    assert await _ids(client, requested_by="cron") == ["nightly-2", "nightly-1"]
    assert await _ids(client, q="nightly") == ["r-3", "nightly-2", "nightly-1"]
    assert await _ids(client, q="nightly", requested_by="ivanova") == ["r-3"]
    assert await _ids(client, q="ightly") == []
    assert await _ids(client, source_type="excel", dataset="chats", limit=1) == ["r-3"]
    assert await _ids(client, source_type="database") == []


@pytest.mark.parametrize("path", [JOBS, f"{JOBS}/r-1"])
async def test_polling_client_gets_304_while_nothing_has_changed(
    database: Database, client: httpx.AsyncClient, path: str
) -> None:
    await make_pending_job(database, "r-1")
    first = await client.get(path)
    if_none_match = {"If-None-Match": first.headers["etag"]}
    second = await client.get(path, headers=if_none_match)
    assert (second.status_code, second.content, second.headers["etag"]) == (304, b"", first.headers["etag"])
    await execute(database, "update migration.jobs set sequence = sequence + 1")
    after = await client.get(path, headers=if_none_match)
    assert (after.status_code, after.headers["etag"] != first.headers["etag"]) == (200, True)


async def test_attempts_name_replica_and_outcome(database: Database, client: httpx.AsyncClient) -> None:
    """The first owner lost the job before it opened a batch session, so its attempt is `released`."""
    _, fencing_token = await make_taken_over_job(database, "r-1")
    async with database.transaction() as connection:
        await transitions.apply(
            connection, fencing_token.job_id, fencing_token.token, Fail("no_rows", "the source is empty")
        )
    page = (await client.get(f"{JOBS}/r-1/attempts")).json()
    attempts = [(item["replica"], item["outcome"], item["error_code"], item["run"]) for item in page["items"]]
    assert attempts == [("successor", "failed", "no_rows", 1), ("owner", "released", None, 1)]
    assert page["next"] is None
    first = (await client.get(f"{JOBS}/r-1/attempts", params={"limit": 1})).json()
    rest = await client.get(f"{JOBS}/r-1/attempts", params={"limit": 1, "before": first["next"]})
    assert [item["replica"] for item in (*first["items"], *rest.json()["items"])] == ["successor", "owner"]


async def test_running_attempt_has_no_outcome(database: Database, client: httpx.AsyncClient) -> None:
    job, _ = await make_running_job(database, "r-1", requested_by="ivanova")
    [item] = (await client.get(f"{JOBS}/{job.id}/attempts")).json()["items"]
    assert (item["outcome"], item["ended_at"], item["requested_by"], item["claims"]) == (
        None,
        None,
        "ivanova",
        1,
    )


async def test_summary_counts_rejected_rows_by_code_and_field(
    database: Database, client: httpx.AsyncClient
) -> None:
    await execute(database, minimal_dataset.TABLES)
    _, fencing_token = await make_running_job(database, "r-1")
    session = await BatchWriter.open(database, fencing_token, minimal_dataset.MERGE)
    await session.write(minimal_dataset.make_batch(minimal_dataset.make_things(2), rejected=[5, 6]))
    await session.close()
    summary = (await client.get(f"{JOBS}/r-1/errors/summary")).json()
    assert summary["rejected"] == 2
    assert sum(item["rows"] for item in summary["items"]) == 2
    assert all(set(item) == {"code", "field", "rows"} for item in summary["items"])


INN = [{"field": "inn", "code": "inn", "message": "must have 10 or 12 digits"}]
KPP = [{"field": "kpp", "code": "kpp", "message": "must have 9 characters"}, *INN]


async def test_rejected_rows_are_filtered_by_error_identifier_and_number(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_job_with_rejected_rows(database, "r-1", [{"a": 1}, {"a": 2}], errors=INN)
    await execute(
        database,
        """insert into migration.migration_errors
             (job_id, load, row_number, record_identifier, errors, record)
           select id, load, 9, 'https://chat', '[{"field": "kpp", "code": "kpp", "message": "m"}]', '{"b": 1}'
           from migration.jobs""",
    )

    async def rows(**params: Any) -> list[int]:
        page = (await client.get(f"{JOBS}/r-1/errors", params=params)).json()
        return [item["row_number"] for item in page["items"]]

    assert await rows(code="inn") == [2, 3]
    assert await rows(field="kpp") == [9]
    assert await rows(code="inn", field="kpp") == []
    assert await rows(q="https://") == [9]
    assert await rows(q="3") == [3]
    assert await rows(code="none") == []


async def test_csv_contains_exactly_the_filtered_rows(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_rejected_rows(database, "r-1", [{"a": 1}, {"a": 2, "b": 3}], errors=INN)
    params = {"q": "who 2"}
    response = await client.get(f"{JOBS}/r-1/errors", params=params, headers={"accept": "text/csv"})
    table = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))
    assert [row[0] for row in table] == ["row_number", "2"]
    assert table[0][3:] == ["a", "row_key"]
