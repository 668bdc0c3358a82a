"""Long downloads: two at a time, each whole, and the probes stay green."""

import asyncio
import csv
import io
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import httpx
import pytest
import pytest_asyncio

from consumer.http import server
from consumer.http.limits.transfer_rate import MinTransferRate
from consumer.http.rejected import csv_download
from consumer.http.rejected.csv_download import MAX_CONCURRENT_DOWNLOADS
from consumer.runtime.health import HealthRegistry
from consumer.store.database import Database
from tests.integration.http.app_server import serve_app
from tests.integration.http.raw_http import build_head, connect
from tests.integration.http.rejected_jobs import make_job_with_many_rejected_rows
from tests.support.http_app import make_read_only_app
from tests.support.job_factories import execute
from tests.support.wait import wait_until_async

ERRORS_OF = "/migration/jobs/r-1/errors"
AS_CSV = {"accept": "text/csv"}
ROWS = 20_000


async def _csv_status(client: httpx.AsyncClient) -> int:
    return (await client.get(ERRORS_OF, headers=AS_CSV)).status_code


async def test_two_readers_get_the_whole_file_and_the_others_are_told_to_come_again(
    database: Database, client: httpx.AsyncClient, health: HealthRegistry
) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", ROWS, width=500)
    readers = [asyncio.create_task(client.get(ERRORS_OF, headers=AS_CSV)) for _ in range(12)]
    probes = []
    while not all(reader.done() for reader in readers):
        begun = time.monotonic()
        answer = await client.get("/readyz")
        probes.append((answer.status_code, time.monotonic() - begun))
    answers = [reader.result() for reader in readers]
    whole = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert (len(whole), len(refused)) == (2, 10)
    for answer in whole:
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
        assert [int(row[0]) for row in rows[1:]] == list(range(2, ROWS + 2))
    for answer in refused:
        assert answer.json()["code"] == "busy"
        assert answer.json()["detail"].startswith("This replica sends 2 CSV files already")
        assert int(answer.headers["retry-after"]) > 0
    assert {status for status, _ in probes} == {200}
    assert max(seconds for _, seconds in probes) < 2
    assert await _csv_status(client) == 200


async def test_json_pages_need_no_slot(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", ROWS, width=500)
    async with (
        client.stream("GET", ERRORS_OF, headers=AS_CSV),
        client.stream("GET", ERRORS_OF, headers=AS_CSV),
    ):
        assert await _csv_status(client) == 503
        assert (await client.get(ERRORS_OF)).status_code == 200


async def test_a_reader_that_goes_away_frees_its_slot(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", ROWS, width=500)
    for _ in range(2 * MAX_CONCURRENT_DOWNLOADS):
        async with client.stream("GET", ERRORS_OF, headers=AS_CSV) as answer:
            assert answer.status_code == 200
        await wait_until_async(lambda: _is_free(client), 10, "the slot to be free")


async def _is_free(client: httpx.AsyncClient) -> bool:
    async with client.stream("GET", ERRORS_OF, headers=AS_CSV) as answer:
        return answer.status_code == 200


async def test_a_download_that_fails_before_it_begins_frees_its_slot(
    database: Database, client: httpx.AsyncClient
) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", 10)
    await execute(database, "alter table migration.migration_errors rename column record to records")
    assert [await _csv_status(client) for _ in range(2 * MAX_CONCURRENT_DOWNLOADS)] == [
        500
    ] * 2 * MAX_CONCURRENT_DOWNLOADS
    await execute(database, "alter table migration.migration_errors rename column records to record")
    assert await _csv_status(client) == 200


@pytest_asyncio.fixture
async def port(
    gated_database: Database, health: HealthRegistry, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[int]:
    """The service, whose kernel gives up a client that takes nothing for a second."""
    monkeypatch.setattr(server, "TCP_USER_TIMEOUT_MS", 1_000)
    async with serve_app(make_read_only_app(gated_database, health)) as one:
        yield one


@asynccontextmanager
async def stalled_readers(port: int) -> AsyncIterator[None]:
    """Every slot held by a reader that has got the head of its file, and then takes nothing."""
    async with AsyncExitStack() as stack:
        for _ in range(MAX_CONCURRENT_DOWNLOADS):
            reader = await stack.enter_async_context(connect(port))
            await reader.send(build_head("GET", ERRORS_OF, "Accept: text/csv"))
            assert (await reader.read_response()).status == 200
        yield


async def _are_free(client: httpx.AsyncClient) -> bool:
    async with AsyncExitStack() as stack:
        answers = [
            await stack.enter_async_context(client.stream("GET", ERRORS_OF, headers=AS_CSV))
            for _ in range(MAX_CONCURRENT_DOWNLOADS)
        ]
        return {answer.status_code for answer in answers} == {200}


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has this limit")
async def test_readers_that_stop_reading_are_cut_off_and_free_their_slots(
    database: Database, port: int
) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", ROWS, width=2_000)
    address = f"http://127.0.0.1:{port}"
    async with (
        stalled_readers(port),
        httpx.AsyncClient(base_url=address, timeout=30, trust_env=False) as client,
    ):
        await wait_until_async(lambda: _are_free(client), 30, "the stalled readers to be cut off")


async def test_readers_that_take_too_little_are_cut_off_and_free_their_slots(
    database: Database, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's limit does not see one that takes a few bytes now and then."""
    monkeypatch.setattr(csv_download, "MinTransferRate", partial(MinTransferRate, grace=5.0))
    await make_job_with_many_rejected_rows(database, "r-1", ROWS, width=2_000)
    port = client.base_url.port
    assert port is not None
    async with stalled_readers(port):
        await wait_until_async(lambda: _are_free(client), 30, "the slow readers to be cut off")
