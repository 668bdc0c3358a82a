"""Rejected rows over HTTP: pages of JSON, and one CSV file."""

import csv
import io
import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from consumer.rejected_file.row_key import RowKey, record_digest
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
    response = await client.get(ERRORS_OF, params=params)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    page: dict[str, Any] = response.json()
    return page


async def _csv_table(client: httpx.AsyncClient, **params: Any) -> list[list[str]]:
    response = await client.get(ERRORS_OF, headers=AS_CSV, params=params)
    assert response.status_code == 200, response.text
    table = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))
    keys = [row.pop() for row in table]
    assert keys[0] == "row_key"
    assert [_row_number(key) for key in keys[1:]] == [row[0] for row in table[1:]]
    return table


def _row_number(key: str) -> str:
    parsed = RowKey.parse(key)
    assert parsed is not None
    return str(parsed.row_number)


async def test_rejected_row_has_its_errors_and_record(database: Database, client: httpx.AsyncClient) -> None:
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
                "state": "open",
                "corrected_by": None,
            }
        ],
        "next": None,
        "load": 0,
    }


async def test_rows_of_other_jobs_are_not_listed(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_rejected_rows(database, "r-2", [{"a": 1}] * 3)
    await make_pending_job(database, "r-1")
    assert await _page(client) == {"items": [], "next": None, "load": 0}


async def test_pages_contain_every_row_once(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 7)
    received, params = [], dict[str, Any](limit=3)
    for expected_count in (3, 3, 1):
        page = await _page(client, **params)
        assert len(page["items"]) == expected_count
        received += [row["row_number"] for row in page["items"]]
        params["after"] = page["next"]
    assert received == list(range(2, 9))
    assert page["next"] is None


async def test_last_page_may_be_full(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 3)
    assert (await _page(client, limit=3))["next"] is None


async def test_large_rows_make_short_pages_without_gaps(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 9, width=1_000_000)
    received, after = [], "-1"
    while after is not None:
        page = await _page(client, after=after, limit=100)
        assert 0 < len(page["items"]) <= 5
        received += [row["row_number"] for row in page["items"]]
        after = page["next"]
    assert received == list(range(2, 11))


async def test_row_larger_than_a_page_is_a_page_of_its_own(
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
async def test_invalid_parameter_is_named(client: httpx.AsyncClient, query: str) -> None:
    response = await client.get(f"{ERRORS_OF}?{query}")
    assert (response.status_code, "(query)" in response.json()["detail"]) == (422, True)


async def test_csv_contains_every_row_and_column(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_rejected_rows(
        database, "r-1", [{"ИНН": "12", "Имя": "а"}, {"ИНН": None, "Имя": "б", "T": "лишнее"}]
    )
    assert await _csv_table(client) == [
        ["row_number", "record_identifier", "errors", "ИНН", "Имя", "T"],
        ["2", "who 2", "inn: must have 10 or 12 digits", "12", "а", ""],
        ["3", "who 3", "inn: must have 10 or 12 digits", "", "б", "лишнее"],
    ]


async def test_csv_ends_with_the_key_of_each_row(database: Database, client: httpx.AsyncClient) -> None:
    job_id = await make_job_with_rejected_rows(database, "r-1", [{"ИНН": "12", "N": 1.5}])
    response = await client.get(ERRORS_OF, headers=AS_CSV)
    stored = json.dumps({"ИНН": "12", "N": 1.5}, ensure_ascii=False)
    key = f"v1:{job_id}:1:0:2:{record_digest(stored)}"
    assert response.content.decode("utf-8-sig").splitlines()[-1].rpartition(",")[2] == f'"{key}"'


async def test_csv_spans_many_pages(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 1_001)
    _, *lines = await _csv_table(client)
    assert [int(line[0]) for line in lines] == list(range(2, 1_003))


async def test_headers_of_csv(database: Database, client: httpx.AsyncClient) -> None:
    job_id = await make_job_with_rejected_rows(database, "r-1", [{"ИНН": "12"}])
    response = await client.get(ERRORS_OF, headers=AS_CSV)
    assert response.content.startswith(b"\xef\xbb\xbf")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == f'attachment; filename="errors-{job_id}.csv"'
    assert response.headers["cache-control"] == "no-store"


async def test_csv_without_rejected_rows_has_only_a_header(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_pending_job(database, "r-1")
    assert await _csv_table(client) == [["row_number", "record_identifier", "errors"]]


async def test_csv_contains_no_formulas(database: Database, client: httpx.AsyncClient) -> None:
    formula = "=HYPERLINK(A1)"
    await make_job_with_rejected_rows(
        database, "r-1", [{formula: formula}], errors=[{"field": formula, "code": "x", "message": formula}]
    )
    header, line = await _csv_table(client)
    assert header[3:] == [f"'{formula}"]
    assert line[2:] == [f"'{formula}: {formula}", f"'{formula}"]


async def test_csv_of_an_unknown_job_is_404(client: httpx.AsyncClient) -> None:
    response = await client.get(ERRORS_OF, headers=AS_CSV)
    assert response.status_code == 404
    assert "detail" in response.json()


async def test_interrupted_csv_resets_the_connection(
    database: Database, client: httpx.AsyncClient, tcp_gate: TcpGate
) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 30_000, width=1_000)
    with pytest.raises(httpx.ReadError):
        await _read_during_cut(client, tcp_gate)


async def _read_during_cut(client: httpx.AsyncClient, tcp_gate: TcpGate) -> None:
    async with client.stream("GET", ERRORS_OF, headers=AS_CSV) as response:
        assert response.status_code == 200
        async for _ in response.aiter_bytes():
            await tcp_gate.drop_all()


async def test_request_id_that_looks_like_a_path_is_found(
    database: Database, client: httpx.AsyncClient
) -> None:
    """`x/errors` is a request id, not the errors of `x`; `1` is a request id, not the job of that number."""
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


async def test_unknown_request_id_that_looks_like_a_path_is_404(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_job_with_rejected_rows(database, "x", [{"a": 1}])
    for name in ("x%2Ferrors", "x%2Fcancel", "errors", "a.b"):
        assert (await client.get(f"/migration/jobs/{name}")).status_code == 404
        assert (await client.get(f"/migration/jobs/{name}/errors")).status_code == 404
