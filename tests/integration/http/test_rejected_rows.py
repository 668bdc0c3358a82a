"""Reading rejected rows over HTTP: by pages as JSON, whole as CSV."""

import csv
import io
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from consumer.store.database import Database
from tests.integration.http.rejected_jobs import (
    ERRORS,
    make_job_with_many_rejected_rows,
    make_job_with_rejected_rows,
)
from tests.support.job_factories import make_pending_job
from tests.support.tcp_gate import TcpGate

ERRORS_OF = "/migration/jobs/r-1/errors"
AS_CSV = {"accept": "text/csv"}


async def _page(client: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    answer = await client.get(ERRORS_OF, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    page: dict[str, Any] = answer.json()
    return page


async def _csv_table(client: httpx.AsyncClient, **params: Any) -> list[list[str]]:
    answer = await client.get(ERRORS_OF, headers=AS_CSV, params=params)
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_a_rejected_row_is_shown_with_its_errors_and_its_record(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_job_with_rejected_rows(database, "r-1", [{"ИНН": "12", "Участники": 5, "Группа": None}])
    assert await _page(client) == {
        "items": [
            {
                "row_number": 2,
                "record_identifier": "who 2",
                "errors": ERRORS,
                "record": {"ИНН": "12", "Участники": 5, "Группа": None},
                "kinds": None,
                "record_cut": None,
            }
        ],
        "next": None,
        "load": 0,
    }


async def test_only_the_rows_of_that_job_are_shown(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_rejected_rows(database, "r-2", [{"a": 1}] * 3)
    await make_pending_job(database, "r-1")
    assert await _page(client) == {"items": [], "next": None, "load": 0}


async def test_pages_lead_through_all_rows_once(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 7)
    seen, params = [], dict[str, Any](limit=3)
    for length in (3, 3, 1):
        page = await _page(client, **params)
        assert len(page["items"]) == length
        seen += [row["row_number"] for row in page["items"]]
        params["after"] = page["next"]
    assert seen == list(range(2, 9))
    assert page["next"] is None


async def test_a_page_that_is_just_full_is_the_last(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 3)
    assert (await _page(client, limit=3))["next"] is None


async def test_large_rows_make_short_pages_and_none_is_lost(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 9, width=1_000_000)
    seen, after = [], "-1"
    while after is not None:
        page = await _page(client, after=after, limit=100)
        assert 0 < len(page["items"]) <= 5
        seen += [row["row_number"] for row in page["items"]]
        after = page["next"]
    assert seen == list(range(2, 11))


async def test_a_row_larger_than_a_page_is_a_page_of_its_own(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 2, width=5_000_000)
    page = await _page(client)
    assert [row["row_number"] for row in page["items"]] == [2]
    assert page["next"] == "0.2"


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=1001", "after=x", "after=", "after=1.", "after=.1", "after=-1.1", "after=1.1.1"),
        *("after=9223372036854775808", "after=9223372036854775808.1", "after=%D9%A3"),
    ],
)
async def test_a_wrong_question_is_answered_with_what_is_wrong(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"{ERRORS_OF}?{query}")
    assert (answer.status_code, "(query)" in answer.json()["detail"]) == (422, True)


async def test_csv_holds_every_row_with_the_columns_of_its_record(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_job_with_rejected_rows(
        database, "r-1", [{"ИНН": "12", "Имя": "а"}, {"ИНН": None, "Имя": "б", "T": "лишнее"}]
    )
    assert await _csv_table(client) == [
        ["row_number", "record_identifier", "errors", "ИНН", "Имя", "T"],
        ["2", "who 2", "inn: must have 10 or 12 digits", "12", "а", ""],
        ["3", "who 3", "inn: must have 10 or 12 digits", "", "б", "лишнее"],
    ]


async def test_csv_goes_over_many_pages(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 1_001)
    _, *lines = await _csv_table(client)
    assert [int(line[0]) for line in lines] == list(range(2, 1_003))


async def test_csv_says_that_it_is_a_file_in_utf_8_that_nobody_may_keep(
    database: Database, client: httpx.AsyncClient
) -> None:
    number = await make_job_with_rejected_rows(database, "r-1", [{"ИНН": "12"}])
    answer = await client.get(ERRORS_OF, headers=AS_CSV)
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="errors-{number}.csv"'
    assert answer.headers["cache-control"] == "no-store"


async def test_csv_of_a_job_without_rejected_rows_is_its_head(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_pending_job(database, "r-1")
    assert await _csv_table(client) == [["row_number", "record_identifier", "errors"]]


async def test_no_cell_of_a_csv_is_a_formula(database: Database, client: httpx.AsyncClient) -> None:
    evil = "=HYPERLINK(A1)"
    await make_job_with_rejected_rows(
        database, "r-1", [{evil: evil}], errors=[{"field": evil, "code": "x", "message": evil}]
    )
    head, line = await _csv_table(client)
    assert head[3:] == [f"'{evil}"]
    assert line[2:] == [f"'{evil}: {evil}", f"'{evil}"]


async def test_csv_of_a_job_that_is_not_there_is_a_sentence(client: httpx.AsyncClient) -> None:
    answer = await client.get(ERRORS_OF, headers=AS_CSV)
    assert answer.status_code == 404
    assert "detail" in answer.json()


async def test_a_csv_that_cannot_be_finished_breaks_off_and_is_not_taken_for_all(
    database: Database, client: httpx.AsyncClient, tcp_gate: TcpGate
) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 30_000, width=1_000)
    with pytest.raises(httpx.ReadError):
        await _read_during_cut(client, tcp_gate)


async def _read_during_cut(client: httpx.AsyncClient, gate: TcpGate) -> None:
    async with client.stream("GET", ERRORS_OF, headers=AS_CSV) as answer:
        assert answer.status_code == 200
        async for _ in answer.aiter_bytes():
            await gate.drop_all()


async def test_an_id_that_reads_like_an_address_leads_to_its_own_job(
    database: Database, client: httpx.AsyncClient
) -> None:
    """`x/errors` is a request of its own, and not the errors of `x`; nor is `1` the job of that number."""
    names = ["x", "x/errors", "x/cancel", "1", "errors", "a.b"]
    for rows, name in enumerate(names, 1):
        await make_job_with_rejected_rows(database, name, [{"of": name}] * rows)
    for rows, name in enumerate(names, 1):
        address = f"/migration/jobs/{quote(name, safe='')}"
        job = await client.get(address)
        assert (job.status_code, job.json()["request_id"]) == (200, name)
        items = (await client.get(f"{address}/errors")).json()["items"]
        assert [item["record"] for item in items] == [{"of": name}] * rows
        assert (await client.post(f"{address}/cancel")).status_code != 404


async def test_an_id_that_no_request_has_is_no_job(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_rejected_rows(database, "x", [{"a": 1}])
    for name in ("x%2Ferrors", "x%2Fcancel", "errors", "a.b"):
        assert (await client.get(f"/migration/jobs/{name}")).status_code == 404
        assert (await client.get(f"/migration/jobs/{name}/errors")).status_code == 404
