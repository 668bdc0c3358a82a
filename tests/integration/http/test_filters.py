"""Reading over HTTP by filters and tags, and what the history and the summary of a job say."""

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
    answer = await client.get(JOBS, params=params)
    assert answer.status_code == 200, answer.text
    return [job["request_id"] for job in answer.json()["items"]]


async def test_jobs_are_filtered_by_who_asked_and_by_the_beginning_of_their_names(
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
async def test_whoever_polls_is_told_when_nothing_has_changed(
    database: Database, client: httpx.AsyncClient, path: str
) -> None:
    await make_pending_job(database, "r-1")
    first = await client.get(path)
    known = {"If-None-Match": first.headers["etag"]}
    again = await client.get(path, headers=known)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    await execute(database, "update migration.jobs set sequence = sequence + 1")
    after = await client.get(path, headers=known)
    assert (after.status_code, after.headers["etag"] != first.headers["etag"]) == (200, True)


async def test_the_history_tells_who_worked_on_a_job_and_how_it_ended(
    database: Database, client: httpx.AsyncClient
) -> None:
    """The first owner went before it had a session for batches: it did nothing, and hands nothing on."""
    _, fence = await make_taken_over_job(database, "r-1")
    async with database.transaction() as connection:
        await transitions.apply(connection, fence.job_id, fence.token, Fail("no_rows", "the source is empty"))
    page = (await client.get(f"{JOBS}/r-1/attempts")).json()
    shown = [(one["replica"], one["outcome"], one["error_code"], one["run"]) for one in page["items"]]
    assert shown == [("successor", "failed", "no_rows", 1), ("owner", "released", None, 1)]
    assert page["next"] is None
    first = (await client.get(f"{JOBS}/r-1/attempts", params={"limit": 1})).json()
    rest = await client.get(f"{JOBS}/r-1/attempts", params={"limit": 1, "before": first["next"]})
    assert [one["replica"] for one in (*first["items"], *rest.json()["items"])] == ["successor", "owner"]


async def test_an_attempt_that_runs_has_no_outcome_yet(database: Database, client: httpx.AsyncClient) -> None:
    job, _ = await make_running_job(database, "r-1", requested_by="ivanova")
    [one] = (await client.get(f"{JOBS}/{job.id}/attempts")).json()["items"]
    assert (one["outcome"], one["ended_at"], one["requested_by"], one["claims"]) == (None, None, "ivanova", 1)


async def test_the_summary_counts_rejected_rows_by_code_and_field(
    database: Database, client: httpx.AsyncClient
) -> None:
    await execute(database, minimal_dataset.TABLES)
    _, fence = await make_running_job(database, "r-1")
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    await session.write(minimal_dataset.make_batch(minimal_dataset.make_things(2), rejected=[5, 6]))
    await session.close()
    summary = (await client.get(f"{JOBS}/r-1/errors/summary")).json()
    assert summary["rejected"] == 2
    assert sum(one["rows"] for one in summary["items"]) == 2
    assert all(set(one) == {"code", "field", "rows"} for one in summary["items"])


INN = [{"field": "inn", "code": "inn", "message": "must have 10 or 12 digits"}]
KPP = [{"field": "kpp", "code": "kpp", "message": "must have 9 characters"}, *INN]


async def test_rejected_rows_are_filtered_by_error_identifier_and_number(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_job_with_rejected_rows(database, "r-1", [{"a": 1}, {"a": 2}], errors=INN)
    await execute(
        database,
        """insert into migration.migration_errors (job_id, load, row_number, record_identifier, errors, record)
           select id, load, 9, 'https://chat', '[{"field": "kpp", "code": "kpp", "message": "m"}]', '{"b": 1}'
           from migration.jobs""",
    )

    async def rows(**params: Any) -> list[int]:
        page = (await client.get(f"{JOBS}/r-1/errors", params=params)).json()
        return [one["row_number"] for one in page["items"]]

    assert await rows(code="inn") == [2, 3]
    assert await rows(field="kpp") == [9]
    assert await rows(code="inn", field="kpp") == []
    assert await rows(q="https://") == [9]
    assert await rows(q="3") == [3]
    assert await rows(code="none") == []


async def test_the_csv_holds_exactly_what_is_filtered(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_rejected_rows(database, "r-1", [{"a": 1}, {"a": 2, "b": 3}], errors=INN)
    params = {"q": "who 2"}
    answer = await client.get(f"{JOBS}/r-1/errors", params=params, headers={"accept": "text/csv"})
    table = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [row[0] for row in table] == ["row_number", "2"]
    assert table[0][3:] == ["a"]
