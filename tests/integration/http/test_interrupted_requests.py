"""Requests that are interrupted by shutdown or by an outage."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from consumer.http.middleware.guarded_app import GuardedApp
from consumer.http.server import listen, serve_on
from consumer.http.submission import submitter
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError
from messaging.records import ProducerRecord
from tests.integration.http.raw_http import build_head, connect
from tests.support.http_app import make_read_only_app
from tests.support.job_factories import make_pending_job

LIMIT_SECONDS = 15
DATABASE = {"source_identifier": "admin"}


class StoppableApp:
    """An app that is served until `stop` is set."""

    def __init__(self, app: FastAPI) -> None:
        self.stop = asyncio.Event()
        listener = listen("127.0.0.1", 0)
        self.port: int = listener.getsockname()[1]
        self._task = asyncio.create_task(serve_on(app, listener, self.stop))

    async def wait_ended(self) -> None:
        self.stop.set()
        await asyncio.wait_for(self._task, LIMIT_SECONDS)


@asynccontextmanager
async def serve_until_stopped(app: FastAPI) -> AsyncIterator[StoppableApp]:
    served = StoppableApp(app)
    try:
        yield served
    finally:
        await served.wait_ended()


async def post_interrupted(
    database: Database, publish: Callable[[StoppableApp], Awaitable[list[bool]]], path: str, body: object
) -> httpx.Response:
    """The response to a POST; `publish` is what Kafka does with it."""
    served: StoppableApp

    async def send(_records: Sequence[ProducerRecord]) -> list[bool]:
        return await publish(served)

    async with serve_until_stopped(make_read_only_app(database, publish=send)) as served:
        url = f"http://127.0.0.1:{served.port}"
        async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
            return await client.post(path, json=body)


async def acknowledge_and_stop(served: StoppableApp) -> list[bool]:
    served.stop.set()
    return [True]


async def stop_without_ack(served: StoppableApp) -> list[bool]:
    served.stop.set()
    await asyncio.Event().wait()
    raise AssertionError("the event is never set")


@pytest.fixture
def long_record_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A POST waits longer for intake than the server waits for the POST during shutdown."""
    monkeypatch.setattr(submitter, "INTAKE_TIMEOUT", 60.0)


@pytest.mark.usefixtures("long_record_timeout")
async def test_start_acknowledged_by_kafka_is_202_during_shutdown(database: Database) -> None:
    response = await post_interrupted(database, acknowledge_and_stop, "/migration/database", DATABASE)
    assert response.status_code == 202
    assert response.json()["id"] is None
    assert response.json()["request_id"]


@pytest.mark.usefixtures("long_record_timeout")
async def test_command_acknowledged_by_kafka_is_202_during_shutdown(database: Database) -> None:
    await make_pending_job(database, "r-1")
    response = await post_interrupted(database, acknowledge_and_stop, "/migration/jobs/r-1/cancel", {})
    assert response.status_code == 202
    command = response.json()["command"]
    assert command["id"]
    assert command["accepted"] is None


@pytest.mark.parametrize(
    ("path", "body", "id_field"),
    [
        ("/migration/database", DATABASE, "request_id"),
        ("/migration/jobs/r-1/cancel", {}, "command_id"),
    ],
)
async def test_unacknowledged_request_is_503_with_its_id(
    database: Database, path: str, body: object, id_field: str
) -> None:
    await make_pending_job(database, "r-1")
    response = await post_interrupted(database, stop_without_ack, path, body)
    assert response.status_code == 503
    problem = response.json()
    assert problem["code"] == "shutting_down"
    assert "sending it again under the same id is safe" in problem["detail"]
    assert problem[id_field]


def make_endless_app(error: Exception | None) -> FastAPI:
    """An app whose response starts and then raises `error`, or never ends."""
    app = GuardedApp()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a line\r\n"
        if error is not None:
            raise error
        await asyncio.Event().wait()

    app.get("/endless", response_model=None)(lambda: StreamingResponse(pieces()))
    return app


@pytest.mark.parametrize("error", [None, DatabaseUnavailableError("no answer")])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_interrupted_response_resets_the_connection(
    caplog: pytest.LogCaptureFixture, error: Exception | None, version: str
) -> None:
    """In HTTP/1.0 the end of the connection is the end of the body."""
    async with serve_until_stopped(make_endless_app(error)) as served, connect(served.port) as raw:
        raw.writer.write(build_head("GET", "/endless", version=version))
        if error is None:
            await raw.reader.readuntil(b"a line\r\n")
            served.stop.set()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(raw.reader.read(), LIMIT_SECONDS)
    assert not [record for record in caplog.records if record.exc_info or "ASGI" in record.getMessage()]


async def test_client_that_leaves_before_the_end_is_no_defect(caplog: pytest.LogCaptureFixture) -> None:
    app, ended = GuardedApp(), asyncio.Event()

    async def answer_half(_scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half of it", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        ended.set()

    app.mount("/half", answer_half)
    async with serve_until_stopped(app) as served:
        async with connect(served.port) as raw:
            raw.writer.write(build_head("GET", "/half/"))
            await raw.reader.readuntil(b"half of it")
        await asyncio.wait_for(ended.wait(), LIMIT_SECONDS)
    assert not [record for record in caplog.records if record.exc_info or "ASGI" in record.getMessage()]


async def test_defect_during_a_response_is_logged_with_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with (
        serve_until_stopped(make_endless_app(ZeroDivisionError())) as served,
        connect(served.port) as raw,
    ):
        raw.writer.write(build_head("GET", "/endless"))
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(raw.reader.read(), LIMIT_SECONDS)
    assert [record for record in caplog.records if record.levelno == logging.ERROR and record.exc_info]
