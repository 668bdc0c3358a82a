"""The `Host` check and the security headers of the service's app."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from consumer.http.middleware.hosts import default_hosts
from consumer.store.database import Database
from tests.integration.http.app_server import serve_app
from tests.integration.http.raw_http import RawResponse, build_head, connect
from tests.integration.http.rejected_jobs import make_job_with_rejected_rows
from tests.support.http_app import make_read_only_app
from tests.support.job_factories import execute

UNAUTHENTICATED_PATHS = ["/healthz", "/readyz", "/metrics"]
CACHE_HEADERS = {
    "/docs": "no-cache",
    "/migration/jobs": "private, no-cache",
    "/migration/jobs/r-1": "private, no-cache",
    "/migration/jobs/r-1/errors": "no-store",
    "/migration/jobs/none": "no-store",
    "/migration/requests": "no-store",
}
"""Responses that may be cached and revalidated contain no cell values."""


@pytest_asyncio.fixture
async def port(gated_database: Database) -> AsyncIterator[int]:
    hosts = default_hosts("127.0.0.1", "box")
    async with serve_app(make_read_only_app(gated_database, hosts=hosts)) as served_port:
        yield served_port


async def _request(port: int, request: bytes) -> RawResponse:
    async with connect(port) as client:
        await client.send(request)
        return await client.read_response()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8084", "[::1]:1", "BOX", "box."])
async def test_own_hosts_are_accepted(port: int, host: str) -> None:
    assert (await _request(port, build_head("GET", "/migration/jobs", host=host))).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "127.0.0.1@evil", "localhost, evil"]
)
async def test_other_hosts_are_421_with_the_name_of_the_setting(port: int, host: str) -> None:
    for path in ("/migration/jobs", "/docs", "/nowhere", "/migration/jobs/x/errors"):
        response = await _request(port, build_head("GET", path, host=host))
        assert (response.status, response.code) == (421, "wrong_host")
        assert b"MIGRATION_HTTP_HOSTS" in response.body
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_request_without_host_is_421(port: int) -> None:
    response = await _request(port, b"GET /migration/jobs HTTP/1.0\r\n\r\n")
    assert (response.status, response.code) == (421, "wrong_host")
    assert b"without a Host header" in response.body


async def test_upload_to_the_wrong_host_receives_the_421(port: int) -> None:
    async with connect(port) as client:
        await client.send(build_head("POST", "/migration/excel", "Content-Length: 1000000", host="evil"))
        await client.send(bytes(1_000_000))
        response = await client.read_response()
        assert (response.status, response.headers["connection"]) == (421, "close")
        assert await client.read_until_closed() == b""


@pytest.mark.parametrize("path", UNAUTHENTICATED_PATHS)
async def test_probes_and_metrics_accept_any_host(port: int, path: str) -> None:
    assert (await _request(port, build_head("GET", path, host="10.1.2.3:8084"))).status == 200
    assert (await _request(port, f"GET {path} HTTP/1.0\r\n\r\n".encode())).status == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *((path, 200) for path in (*UNAUTHENTICATED_PATHS, "/docs", "/openapi.json")),
        ("/migration/jobs", 200),
        ("/migration/jobs/r-1", 200),
        ("/migration/jobs/r-1/errors", 200),
        ("/migration/jobs/none", 404),
        ("/migration/requests", 405),
        ("/nowhere", 404),
    ],
)
async def test_every_response_has_nosniff_and_jobs_have_no_store(
    database: Database, port: int, path: str, status: int
) -> None:
    await make_job_with_rejected_rows(database, "r-1", [{"a": 1}])
    response = await _request(port, build_head("GET", path))
    assert response.status == status
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers.get("cache-control") == CACHE_HEADERS.get(path.partition("?")[0])


async def test_internal_error_has_the_headers_too(database: Database, port: int) -> None:
    await execute(database, "alter table migration.jobs rename column detail to details")
    response = await _request(port, build_head("GET", "/migration/jobs"))
    assert (response.status, response.headers["cache-control"]) == (500, "no-store")
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_without_hosts_any_host_is_accepted(gated_database: Database) -> None:
    async with (
        serve_app(make_read_only_app(gated_database)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        assert (await client.get("/migration/jobs", headers={"host": "any.example"})).status_code == 200
