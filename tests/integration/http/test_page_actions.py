"""What the page offers after rejected rows, a check, or a missing column; with Postgres, without Kafka."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
import pytest_asyncio

from consumer.http.page.language import Language
from consumer.http.page.texts.catalog import load_texts
from consumer.store.database import Database
from messaging.records import ProducerRecord
from tests.integration.http.app_server import app_client
from tests.integration.http.rejected_jobs import make_job_with_rejected_rows
from tests.support.http_app import make_read_only_app
from tests.support.job_factories import execute, make_pending_job, make_request, record_request
from tests.support.rejected_workbooks import ReadWorkbook

EN = load_texts(Language.EN)
AS_BROWSER = {"accept": "text/html", "accept-language": "en"}
END = """
update migration.jobs set status = 'completed', completed_at = clock_timestamp(), failed = $2, total = $2,
  source_columns = '{"columns": [{"name": "ИНН", "field": "inn"}], "left_out": 0}' where request_id = $1
"""
FAIL = """
update migration.jobs set status = 'failed', completed_at = clock_timestamp(), error_code = 'missing_column',
  error_message = 'no link', header_sample = $2::json where request_id = $1
"""
PASS_LIMIT = """
update migration.jobs set status = 'failed', completed_at = clock_timestamp(), failed = 6, total = 10,
  error_code = 'too_many_rejects', error_message = '6 of the first 10 rows' where request_id = $1
"""
MARK = """
update migration.migration_errors set
  corrected_by = case row_number when 2 then (select id from migration.jobs where request_id = 'mended') end,
  dismissed_by = case row_number when 3 then 'ivanova' end,
  dismissed_at = case row_number when 3 then now() end
"""
COUNT_MARKS = "update migration.jobs set rows_corrected = 1, rows_dismissed = 1 where request_id = $1"
COPY_TO_LOAD = """
insert into migration.migration_errors (job_id, load, row_number, record_identifier, errors, record)
select job_id, load + 1, row_number, record_identifier, errors, record from migration.migration_errors
"""
SAMPLE: dict[str, Any] = {
    "row": 1,
    "missing": [{"field": "url", "nearest": "Куда звать"}],
    "columns": [{"column": "B", "header": "Куда звать", "field": None, "samples": ["https://max.ru/1"]}],
    "left_out": 0,
}


@pytest.fixture
def published() -> list[dict[str, Any]]:
    """The requests that the app has published."""
    return []


@pytest_asyncio.fixture
async def client(database: Database, published: list[dict[str, Any]]) -> AsyncIterator[httpx.AsyncClient]:
    async def publish(records: Sequence[ProducerRecord]) -> list[bool]:
        published.extend(json.loads(record.value or b"") for record in records)
        return [True] * len(records)

    async with app_client(make_read_only_app(database, publish=publish)) as opened:
        opened.headers.update(AS_BROWSER)
        yield opened


async def make_rejected(database: Database) -> None:
    await make_job_with_rejected_rows(database, "r-1", [{"ИНН": "1"}, {"ИНН": "2"}, {"ИНН": "3"}])
    await execute(database, END, "r-1", 3)


async def test_workbook_of_the_page_has_the_rows_of_the_state_in_its_language(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_rejected(database)
    await execute(database, "update migration.migration_errors set dismissed_at = now() where row_number = 3")
    page = await client.get("/jobs/r-1/rejected")
    assert page.text.count('class="card row"') == 3
    assert 'href="/jobs/r-1/rejected.xlsx?state=open"' in page.text
    client.cookies.set("migration-language", "ru")
    answer = await client.get("/jobs/r-1/rejected.xlsx", params={"state": "open"}, timeout=120)
    book = ReadWorkbook.of(answer.content)
    assert answer.headers["content-language"] == "ru"
    assert book.header[0] == "Строка"
    assert len(book.rows) == 2


async def test_rejected_rows_name_what_corrected_or_dismissed_them(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_rejected(database)
    await record_request(database, "mended", make_request("mended.xlsx", corrects={"request_id": "r-1"}))
    await execute(database, MARK)
    await execute(database, COUNT_MARKS, "r-1")
    page = (await client.get("/jobs/r-1/rejected")).text
    rows = page.split('class="card row"')[1:]
    states = [EN(f"ui.correction.{state}") for state in ("corrected", "dismissed", "open")]
    assert [[state for state in states if f">{state}</span>" in row] for row in rows] == [
        [state] for state in states
    ]
    assert ['href="/jobs/mended"' in row for row in rows] == [True, False, False]
    assert ["ivanova" in row for row in rows] == [False, True, False]
    await execute(database, "update migration.migration_errors set corrected_by = 999 where row_number = 2")
    deleted = (await client.get("/jobs/r-1/rejected", params={"state": "corrected"})).text
    assert deleted.count('class="card row"') == 1
    assert 'href="/jobs/mended"' not in deleted


async def test_marks_are_those_of_the_present_load(database: Database, client: httpx.AsyncClient) -> None:
    """A row of an earlier load has the same number; what happened to it is over."""
    await make_rejected(database)
    await record_request(database, "mended", make_request("mended.xlsx", corrects={"request_id": "r-1"}))
    await execute(database, MARK)
    await execute(database, COUNT_MARKS, "r-1")
    await execute(database, "update migration.jobs set load = load + 1 where request_id = 'r-1'")
    await execute(database, COPY_TO_LOAD)
    page = (await client.get("/jobs/r-1/rejected")).text
    assert page.count('class="card row"') == 3
    assert 'href="/jobs/mended"' not in page
    assert "ivanova" not in page


async def test_correction_counts_the_jobs_since_what_it_corrects(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_rejected(database)
    await record_request(database, "mended", make_request("mended.xlsx", corrects={"request_id": "r-1"}))
    before = await client.get("/jobs/mended/state")
    assert "chats.xlsx" in before.text
    await make_pending_job(database, "later")
    await execute(database, END, "later", 1)
    after = await client.get("/jobs/mended/state", headers={"if-none-match": before.headers["etag"]})
    assert EN("ui.correction.completed_since", n=1) in after.text
    assert EN("ui.correct.completed_since", n=1) not in after.text


async def test_retry_of_a_job_that_passed_its_limit_sends_another_one(
    database: Database, client: httpx.AsyncClient, published: list[dict[str, Any]]
) -> None:
    await make_pending_job(database, options={"max_rejected": 5})
    await execute(database, PASS_LIMIT, "r-1")
    page = (await client.get("/jobs/r-1")).text
    assert 'name="max_rejected" value="5"' in page
    unusable = await client.post("/jobs/r-1/retry", data={"max_rejected": "101%"}, timeout=60)
    assert unusable.headers["location"] == "/jobs/r-1?refused=limit"
    assert published == []
    answer = await client.post("/jobs/r-1/retry", data={"max_rejected": "20%", "command_id": "c"}, timeout=60)
    assert answer.headers["location"].startswith("/jobs/r-1?asked=retry")
    [request] = published
    assert (request["action"], request["command_id"]) == ("retry", "c")
    assert request["options"] == {"max_rejected": "20%"}


async def test_page_of_a_job_changes_when_a_correction_begins(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_rejected(database)
    before = await client.get("/jobs/r-1/state")
    same = {"if-none-match": before.headers["etag"]}
    assert (await client.get("/jobs/r-1/state", headers=same)).status_code == 304
    await record_request(database, "mended", make_request("mended.xlsx", corrects={"request_id": "r-1"}))
    after = await client.get("/jobs/r-1/state", headers=same)
    assert after.status_code == 200
    assert 'href="/jobs/mended"' in after.text
    assert 'href="/jobs/mended"' not in before.text
    correction = await client.get("/jobs/mended")
    assert 'href="/jobs/r-1"' in correction.text


async def test_later_jobs_are_counted_before_a_correction(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_rejected(database)
    await make_pending_job(database, "later")
    await execute(database, END, "later", 1)
    assert EN("ui.correct.completed_since", n=1) in (await client.get("/jobs/r-1")).text


async def test_checked_job_is_imported_by_its_button(
    database: Database, client: httpx.AsyncClient, published: list[dict[str, Any]]
) -> None:
    await make_pending_job(database, "r-1", options={"dry_run": True})
    await execute(database, END, "r-1", 1)
    assert 'action="/jobs/r-1/import"' in (await client.get("/jobs/r-1")).text
    answer = await client.post("/jobs/r-1/import", timeout=60)
    assert answer.headers["location"].startswith("/jobs/r-1-import")
    [request] = published
    assert request["request_id"] == "r-1-import"
    assert "dry_run" not in request.get("options", {})
    await make_pending_job(database, "r-1-import")
    page = (await client.get("/jobs/r-1")).text
    assert 'action="/jobs/r-1/import"' not in page
    assert 'href="/jobs/r-1-import"' in page


async def test_chosen_column_is_published_with_the_same_source(
    database: Database, client: httpx.AsyncClient, published: list[dict[str, Any]]
) -> None:
    job = await make_pending_job(database)
    await execute(database, FAIL, "r-1", json.dumps(SAMPLE))
    assert 'href="/jobs/r-1/columns"' in (await client.get("/jobs/r-1")).text
    assert "https://max.ru/1" in (await client.get("/jobs/r-1/columns")).text
    nothing = await client.post("/jobs/r-1/columns", data={"field.url": ""})
    assert nothing.status_code == 422
    assert "choose one" in nothing.text
    form = {"request_id": "new", "field.url": "Куда звать"}
    answer = await client.post("/jobs/r-1/columns", data=form, timeout=60)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith("/jobs/new")
    [request] = published
    assert request["source"]["columns"] == {"Куда звать": "url"}
    assert request["source"]["file"] == job.source["file"]


async def test_columns_that_are_no_longer_kept_lead_to_the_job(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_pending_job(database)
    await execute(database, FAIL, "r-1", None)
    assert "/jobs/r-1/columns" not in (await client.get("/jobs/r-1")).text
    assert (await client.get("/jobs/r-1/columns")).headers["location"] == "/jobs/r-1"
