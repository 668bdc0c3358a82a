"""Paths of jobs: slashes in a request id are not separators."""

import httpx
import pytest
from fastapi import FastAPI

from consumer.http.jobs.job_path import JOBS_PATH, EncodedJobPaths, JobIdentifier, job_url

NAMES = [
    "r-1", "x/errors", "x/cancel", "1", "a.b", "a/b", "a/errors", "errors",
    "чаты 2026", "50%", "%2F", "a%2Fb", "?x=1#y", "a b&c", "a/b/",
]  # fmt: skip


def _app() -> FastAPI:
    app = FastAPI()
    app.add_middleware(EncodedJobPaths)

    @app.get(f"{JOBS_PATH}/{{id}}")
    async def job(name: JobIdentifier) -> list[str]:
        return ["job", name if name.isprintable() else ascii(name)]

    @app.get(f"{JOBS_PATH}/{{id}}/errors")
    async def errors(name: JobIdentifier) -> list[str]:
        return ["errors", name]

    @app.get("/other/{name:path}")
    async def other(name: str) -> str:
        return name

    return app


@pytest.fixture
def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(_app()), base_url="http://test")


@pytest.mark.parametrize("name", NAMES)
async def test_every_id_has_its_own_path(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(job_url(name))).json() == ["job", name]
    assert (await client.get(f"{job_url(name)}/errors")).json() == ["errors", name]


async def test_other_paths_are_decoded_as_usual(client: httpx.AsyncClient) -> None:
    assert (await client.get("/other/a%2Fb")).json() == "a/b"


async def test_invalid_utf8_becomes_lone_surrogates(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{JOBS_PATH}/%FF")).json() == ["job", ascii("\udcff")]
