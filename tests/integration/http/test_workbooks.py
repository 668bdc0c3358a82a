"""Rejected rows over HTTP as a workbook: its content, its limits, and what ends it."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psutil
import pytest
from structlog.testing import capture_logs

from consumer.http.rejected.workbook_response import MAX_CONCURRENT_WORKBOOKS
from consumer.rejected_file.row_key import record_digest
from consumer.rejected_file.writer_protocol import WRITER_MODULE
from consumer.store import job_progress
from consumer.store.database import Database
from schemas.http_headers import XLSX_MEDIA_TYPE
from tests.integration.http.raw_http import build_head, connect
from tests.integration.http.rejected_jobs import (
    make_job_with_many_rejected_rows,
    make_job_with_rejected_rows,
)
from tests.support.job_factories import execute, make_running_job
from tests.support.rejected_workbooks import ReadWorkbook
from tests.support.wait import wait_until_async

ERRORS_OF = "/migration/jobs/r-1/errors"
AS_XLSX = {"accept": XLSX_MEDIA_TYPE}
INN = [{"field": "inn", "code": "inn", "message": "must have 10 or 12 digits"}]
SOURCE_COLUMNS = {
    "columns": [
        {"name": "Ссылка", "field": "url"},
        {"name": "ИНН", "field": "inn"},
        {"name": "Дата"},
        {"name": "столбец D", "header": None},
        {"name": "Примечание"},
    ],
    "left_out": 0,
}
RECORD = {"Дата": "2024-02-29", "ИНН": "0012", "Ссылка": "https://max.ru/1"}


async def get_workbook(
    client: httpx.AsyncClient, headers: dict[str, str] = AS_XLSX, **params: Any
) -> ReadWorkbook:
    response = await client.get(ERRORS_OF, headers=headers, params=params, timeout=120)
    assert response.status_code == 200, response.text
    return ReadWorkbook.of(response.content)


async def make_job(database: Database, *records: dict[str, Any]) -> int:
    """A job with these rejected records, in which the ИНН is wrong; returns its number."""
    job_id = await make_job_with_rejected_rows(database, "r-1", records, errors=INN)
    columns = json.dumps(SOURCE_COLUMNS, ensure_ascii=False)
    await execute(database, "update migration.jobs set source_columns = $2 where id = $1", job_id, columns)
    return job_id


async def test_workbook_has_the_columns_of_the_source_and_the_key_of_each_row(
    database: Database, client: httpx.AsyncClient
) -> None:
    job_id = await make_job(database, RECORD)
    await execute(database, """update migration.migration_errors set kinds = '{"Дата": "date"}'""")
    book = await get_workbook(client, lang="ru")
    assert book.header[4:] == ("Ссылка", "ИНН", "Дата", "Примечание", "row_key")
    (row,) = book.rows
    assert (row["Строка"], row["Что не так"], row["ИНН"]) == (2, "ИНН: Неверный ИНН", "0012")
    assert row["Дата"].isoformat() == "2024-02-29T00:00:00"
    assert row["row_key"] == f"v1:{job_id}:1:0:2:{record_digest(json.dumps(RECORD, ensure_ascii=False))}"
    assert book.metadata == {
        "format_version": "1",
        "job": str(job_id),
        "request_id": "r-1",
        "run": "1",
        "load": "0",
        "dataset": "chats",
        "source_type": "excel",
    }


async def test_workbook_has_open_rows_unless_others_are_selected(
    database: Database, client: httpx.AsyncClient
) -> None:
    records = [RECORD | {"Ссылка": f"https://max.ru/{number}"} for number in range(3)]
    job_id = await make_job(database, *records)
    mark = "update migration.migration_errors set {} where job_id = $1 and row_number = $2"
    await execute(database, mark.format("corrected_by = $1"), job_id, 2)
    await execute(database, mark.format("dismissed_by = 'ivanova', dismissed_at = now()"), job_id, 3)
    for more, row_number in [("", 4), ("&state=corrected", 2), ("&state=dismissed", 3)]:
        response = await client.get(f"{ERRORS_OF}?lang=en{more}", headers=AS_XLSX, timeout=120)
        assert [row["Row"] for row in ReadWorkbook.of(response.content).rows] == [row_number]


async def test_headers_of_a_workbook(database: Database, client: httpx.AsyncClient) -> None:
    job_id = await make_job(database, RECORD)
    response = await client.get(ERRORS_OF, headers=AS_XLSX)
    assert response.headers["content-type"] == XLSX_MEDIA_TYPE
    assert response.headers["content-disposition"] == f'attachment; filename="errors-{job_id}.xlsx"'
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["migration-load"] == "0"
    assert int(response.headers["content-length"]) == len(response.content)


@pytest.mark.parametrize(
    ("accept_language", "lang", "header"),
    [
        (None, None, "Row"),
        ("ru-RU, en;q=0.5", None, "Строка"),
        ("en", "ru", "Строка"),
        ("ru", "en", "Row"),
    ],
)
async def test_language(
    database: Database, client: httpx.AsyncClient, accept_language: str | None, lang: str | None, header: str
) -> None:
    await make_job(database, RECORD)
    headers = AS_XLSX | ({} if accept_language is None else {"accept-language": accept_language})
    book = await get_workbook(client, headers, **({} if lang is None else {"lang": lang}))
    assert book.header[0] == header


async def test_unknown_language_is_named(client: httpx.AsyncClient) -> None:
    response = await client.get(ERRORS_OF, params={"lang": "de"}, headers=AS_XLSX)
    assert response.status_code == 422
    assert "lang (query)" in response.json()["detail"]


async def test_workbook_contains_exactly_the_filtered_rows(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_job(database, RECORD, RECORD, RECORD)
    assert [row["Row"] for row in (await get_workbook(client, q="who 3")).rows] == [3]
    assert [row["Row"] for row in (await get_workbook(client, after="2")).rows] == [3, 4]
    assert (await get_workbook(client, code="kpp")).rows == []


async def test_workbook_spans_many_pages(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 2_001)
    book = await get_workbook(client)
    assert [row["Row"] for row in book.rows] == list(range(2, 2_003))


async def test_unknown_job_is_404(client: httpx.AsyncClient) -> None:
    assert (await client.get(ERRORS_OF, headers=AS_XLSX)).status_code == 404


async def test_so_many_at_a_time_and_others_are_503(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 2_000)
    requests = [
        client.get(ERRORS_OF, headers=AS_XLSX, timeout=120) for _ in range(MAX_CONCURRENT_WORKBOOKS + 3)
    ]
    responses = await asyncio.gather(*requests)
    refused = [response for response in responses if response.status_code == 503]
    assert len(refused) == 3
    for response in refused:
        assert response.json()["code"] == "busy"
        assert int(response.headers["retry-after"]) > 0
    assert len((await get_workbook(client)).rows) == 2_000


def find_writers() -> list[psutil.Process]:
    """The processes of this one that write workbooks."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and WRITER_MODULE in child.cmdline()
    ]


@asynccontextmanager
async def paused_writer(client: httpx.AsyncClient) -> AsyncIterator[psutil.Process]:
    """A writer that was started for a raw request and paused; the request is closed after the block."""
    port = client.base_url.port
    assert port is not None
    async with connect(port) as raw:
        await raw.send(build_head("GET", ERRORS_OF, f"Accept: {XLSX_MEDIA_TYPE}"))
        await wait_until_async(_writer_exists, 60, "the writer to start")
        (writer,) = find_writers()
        writer.suspend()
        yield writer


async def _writer_exists() -> bool:
    return bool(find_writers())


async def _no_writer_exists() -> bool:
    return not find_writers()


async def test_client_that_disconnects_ends_the_writer_and_frees_its_slot(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 20_000, width=500)
    for _ in range(MAX_CONCURRENT_WORKBOOKS + 1):
        async with paused_writer(client):
            pass
        await wait_until_async(_no_writer_exists, 60, "the writer to be killed")
    await execute(database, "delete from migration.migration_errors where row_number > 10")
    assert len((await get_workbook(client)).rows) == 9


async def test_writer_that_dies_is_a_500_and_frees_its_slot(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 20_000, width=500)
    with capture_logs() as logs:
        for _ in range(MAX_CONCURRENT_WORKBOOKS + 1):
            request = asyncio.create_task(client.get(ERRORS_OF, headers=AS_XLSX, timeout=120))
            await wait_until_async(_writer_exists, 60, "the writer to start")
            for writer in find_writers():
                os.kill(writer.pid, signal.SIGKILL)
            response = await request
            assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert [line["exit_code"] for line in logs if line["event"] == "http.workbook_failed"] == [-9] * 3


async def test_workbook_of_a_replaced_load_is_410(database: Database, client: httpx.AsyncClient) -> None:
    _, fencing_token = await make_running_job(database, "r-1")
    await execute(
        database,
        """insert into migration.migration_errors (job_id, load, row_number, errors, record)
           select $1, 0, n, '[]', json_build_object('text', repeat('x', 500))
           from generate_series(1, 20000) n""",
        fencing_token.job_id,
    )
    request = asyncio.create_task(client.get(ERRORS_OF, headers=AS_XLSX, timeout=120))
    await wait_until_async(_writer_exists, 60, "the writer to start")
    (writer,) = find_writers()
    writer.suspend()
    async with database.transaction() as connection:
        await job_progress.start_load(connection, fencing_token, "the file", None, {})
    writer.resume()
    response = await request
    assert (response.status_code, response.json()["code"]) == (410, "load_replaced")
    await wait_until_async(_no_writer_exists, 60, "the writer to be killed")
