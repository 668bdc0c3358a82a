"""Long downloads: two at a time, each complete, while the probes stay green."""

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
from consumer.http.rejected import download
from consumer.http.rejected.csv_response import MAX_CONCURRENT_DOWNLOADS
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


async def test_two_downloads_complete_and_others_are_503(
    database: Database, client: httpx.AsyncClient, health: HealthRegistry
) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", ROWS, width=500)
    readers = [asyncio.create_task(client.get(ERRORS_OF, headers=AS_CSV)) for _ in range(12)]
    probes = []
    while not all(reader.done() for reader in readers):
        started = time.monotonic()
        response = await client.get("/readyz")
        probes.append((response.status_code, time.monotonic() - started))
    responses = [reader.result() for reader in readers]
    complete = [response for response in responses if response.status_code == 200]
    refused = [response for response in responses if response.status_code == 503]
    assert (len(complete), len(refused)) == (2, 10)
    for response in complete:
        rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))
        assert [int(row[0]) for row in rows[1:]] == list(range(2, ROWS + 2))
    for response in refused:
        assert response.json()["code"] == "busy"
        assert response.json()["detail"].startswith("This replica sends 2 CSV files already")
        assert int(response.headers["retry-after"]) > 0
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


async def test_client_that_disconnects_frees_its_slot(database: Database, client: httpx.AsyncClient) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", ROWS, width=500)
    for _ in range(2 * MAX_CONCURRENT_DOWNLOADS):
        async with client.stream("GET", ERRORS_OF, headers=AS_CSV) as response:
            assert response.status_code == 200
        await wait_until_async(lambda: _slot_is_free(client), 10, "the slot to be free")


async def _slot_is_free(client: httpx.AsyncClient) -> bool:
    async with client.stream("GET", ERRORS_OF, headers=AS_CSV) as response:
        return response.status_code == 200


async def test_download_that_fails_before_it_starts_frees_its_slot(
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
    """The service, with a TCP user timeout of one second."""
    monkeypatch.setattr(server, "TCP_USER_TIMEOUT_MS", 1_000)
    async with serve_app(make_read_only_app(gated_database, health)) as served_port:
        yield served_port


@asynccontextmanager
async def stalled_readers(port: int) -> AsyncIterator[None]:
    """Every slot is held by a client that has read the head of the response and then stops reading."""
    async with AsyncExitStack() as stack:
        for _ in range(MAX_CONCURRENT_DOWNLOADS):
            reader = await stack.enter_async_context(connect(port))
            await reader.send(build_head("GET", ERRORS_OF, "Accept: text/csv"))
            assert (await reader.read_response()).status == 200
        yield


async def _all_slots_are_free(client: httpx.AsyncClient) -> bool:
    async with AsyncExitStack() as stack:
        responses = [
            await stack.enter_async_context(client.stream("GET", ERRORS_OF, headers=AS_CSV))
            for _ in range(MAX_CONCURRENT_DOWNLOADS)
        ]
        return {response.status_code for response in responses} == {200}


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has this limit")
async def test_stalled_readers_are_disconnected_and_free_their_slots(database: Database, port: int) -> None:
    await make_job_with_many_rejected_rows(database, "r-1", ROWS, width=2_000)
    address = f"http://127.0.0.1:{port}"
    async with (
        stalled_readers(port),
        httpx.AsyncClient(base_url=address, timeout=30, trust_env=False) as client,
    ):
        await wait_until_async(lambda: _all_slots_are_free(client), 30, "the stalled readers to be cut off")


async def test_slow_readers_are_disconnected_and_free_their_slots(
    database: Database, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The TCP user timeout does not detect a client that reads a few bytes now and then."""
    monkeypatch.setattr(download, "MinTransferRate", partial(MinTransferRate, grace=5.0))
    await make_job_with_many_rejected_rows(database, "r-1", ROWS, width=2_000)
    port = client.base_url.port
    assert port is not None
    async with stalled_readers(port):
        await wait_until_async(lambda: _all_slots_are_free(client), 30, "the slow readers to be cut off")
