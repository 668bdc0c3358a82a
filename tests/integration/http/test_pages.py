"""Pages with real jobs: what they answer at the edges."""

import json
import re
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
import pytest_asyncio

from consumer.http.auth.authenticator import Caller
from consumer.http.auth.tokens import Right
from consumer.http.page.language import Language
from consumer.http.page.texts.catalog import load_texts
from consumer.store.database import Database
from messaging.records import ProducerRecord
from tests.support.http_app import make_read_only_app
from tests.support.job_factories import execute, make_running_job

EN = load_texts(Language.EN)
BROWSER = {"accept": "text/html", "accept-language": "en"}
REJECT = """
insert into migration.migration_errors (job_id, load, row_number, errors, record)
select id, load, 7, $2::jsonb, '{}' from migration.jobs where id = $1
"""
COUNT = "insert into migration.rejected_counts (job_id, code, field, rows) values ($1, 'inn', 'inn', 1)"
COMPLETE = """
update migration.jobs set status = 'completed', token = null, total = 1, failed = 1,
  completed_at = clock_timestamp() where id = $1
"""


@pytest_asyncio.fixture
async def browser(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_read_only_app(database))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://migration.test", headers=BROWSER
    ) as browser:
        yield browser


async def make_rejected_job(database: Database) -> int:
    job, _ = await make_running_job(database, "r-1")
    await execute(database, REJECT, job.id, json.dumps([{"field": "inn", "code": "inn", "message": "wrong"}]))
    await execute(database, COUNT, job.id)
    await execute(database, COMPLETE, job.id)
    return job.id


@pytest.mark.parametrize("path", ["/jobs/%FF", "/jobs/a%00b", "/jobs/a%00b/rejected"])
async def test_id_that_no_job_can_have_is_not_found(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


async def test_live_part_of_such_an_id_leads_to_its_page(browser: httpx.AsyncClient) -> None:
    response = await browser.get("/jobs/%FF/state")
    assert (response.status_code, response.headers["hx-redirect"]) == (200, "/jobs/%FF")


async def test_form_of_a_request_that_may_have_been_accepted_keeps_its_id(database: Database) -> None:
    """Sent again it starts no second import."""

    async def lose(_records: Sequence[ProducerRecord]) -> list[bool]:
        return [False]

    app = make_read_only_app(database, publish=lose, connections=["admin"])
    transport = httpx.ASGITransport(app)
    form = {"source_identifier": "admin", "request_id": "form-1"}
    headers = BROWSER | {"origin": "http://migration.test", "sec-fetch-site": "same-origin"}
    async with httpx.AsyncClient(transport=transport, base_url="http://migration.test") as browser:
        for _ in range(2):
            response = await browser.post("/import/database", data=form, headers=headers)
            assert response.status_code == 503
            ids = dict(
                re.findall(r'action="([^"]+)".*?name="request_id" value="([^"]+)"', response.text, re.DOTALL)
            )
            assert ids["/import/database"] == "form-1"
            assert ids["/import/excel"] != "form-1"


async def test_csv_is_stored_by_no_cache(database: Database, browser: httpx.AsyncClient) -> None:
    job_id = await make_rejected_job(database)
    for path in (f"/jobs/{job_id}/rejected", f"/jobs/{job_id}/rejected.csv"):
        response = await browser.get(path)
        assert response.status_code == 200
        assert "no-store" in response.headers["cache-control"], path


async def test_filtered_rows_that_are_deleted_are_called_so(
    database: Database, browser: httpx.AsyncClient
) -> None:
    job_id = await make_rejected_job(database)
    path = f"/jobs/{job_id}/rejected"
    assert EN("ui.rejected.nothing_found_title") in (await browser.get(f"{path}?code=kpp")).text
    await execute(database, "delete from migration.migration_errors where job_id = $1", job_id)
    for query in ("", "?code=inn&field=inn"):
        text = (await browser.get(path + query)).text
        assert EN("ui.rejected.removed_title") in text
        assert EN("ui.rejected.download") not in text


async def test_list_has_another_tag_for_other_rights(
    database: Database, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = set()
    for rights in (frozenset({Right.READ}), frozenset({Right.READ, Right.ACT})):
        monkeypatch.setattr("consumer.http.auth.authenticator.ANONYMOUS", Caller(None, rights), raising=True)
        tags.add((await browser.get("/state")).headers["etag"])
    assert len(tags) == 2
