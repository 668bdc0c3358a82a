"""The server in our event loop: it takes an address, leaves our signals alone, and ends in time."""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi.responses import StreamingResponse

from consumer.http.middleware.guarded_app import GuardedApp
from consumer.http.server import SHUTDOWN_GRACE_SECONDS, BindError, listen, serve_on
from tests.support.wait import wait_until_async

LIMIT_SECONDS = SHUTDOWN_GRACE_SECONDS + 3


class ServerApp:
    """An app with a slow, a quick and an endless answer."""

    def __init__(self) -> None:
        self.app = GuardedApp()
        self.stop, self.begun, self.go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.app.get("/quick")(self.quick)
        self.app.get("/slow")(self.slow)
        self.app.get("/endless", response_model=None)(self.endless)
        listener = listen("127.0.0.1", 0)
        self.address = listener.getsockname()
        self.task = asyncio.create_task(serve_on(self.app, listener, self.stop))
        self.url = f"http://127.0.0.1:{self.address[1]}"

    async def quick(self) -> str:
        return "done"

    async def slow(self) -> str:
        self.begun.set()
        await self.go_on.wait()
        return "done"

    async def endless(self) -> StreamingResponse:
        async def zeroes() -> AsyncIterator[bytes]:
            while True:
                yield bytes(65_536)

        return StreamingResponse(zeroes())


def client(serving: ServerApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=serving.url, timeout=30, trust_env=False)


async def _is_refused(address: tuple[str, int]) -> bool:
    with socket.socket() as one:
        return one.connect_ex(address) != 0


def test_a_port_in_use_is_one_sentence() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            BindError, match=rf"cannot listen on 127.0.0.1 port {port} \(Address already in use\)"
        ):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("203.0.113.1", 0), ("no.such.host.invalid", 0)])
def test_an_address_that_is_not_ours_is_one_sentence(host: str, port: int) -> None:
    with pytest.raises(BindError, match="MIGRATION_HTTP_HOST"):
        listen(host, port)


async def test_signals_stay_as_the_service_set_them() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    serving = ServerApp()
    async with client(serving) as one:
        await one.get("/quick")
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    serving.stop.set()
    await serving.task


async def test_stopping_lets_a_running_answer_finish_and_takes_no_new_ones() -> None:
    serving = ServerApp()
    async with client(serving) as one:
        answer = asyncio.create_task(one.get("/slow"))
        await serving.begun.wait()
        serving.stop.set()
        await wait_until_async(lambda: _is_refused(serving.address), LIMIT_SECONDS, "the port to be closed")
        assert not serving.task.done()
        serving.go_on.set()
        assert (await answer).json() == "done"
        await asyncio.wait_for(serving.task, LIMIT_SECONDS)


async def test_stopping_does_not_wait_for_idle_connections() -> None:
    serving = ServerApp()
    async with client(serving) as one:
        await one.get("/quick")
        serving.stop.set()
        begun = time.monotonic()
        await asyncio.wait_for(serving.task, LIMIT_SECONDS)
        assert time.monotonic() - begun < SHUTDOWN_GRACE_SECONDS


async def test_an_answer_without_end_does_not_keep_the_service_from_stopping() -> None:
    serving = ServerApp()
    async with client(serving) as one, one.stream("GET", "/endless"):
        serving.stop.set()
        await asyncio.wait_for(serving.task, LIMIT_SECONDS)
    assert await _is_refused(serving.address)


async def test_a_request_that_stopping_interrupts_is_answered_with_a_problem(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The server by itself would say `500 Internal Server Error` and log a traceback."""
    serving = ServerApp()
    async with client(serving) as one:
        interrupted = asyncio.create_task(one.get("/slow"))
        await serving.begun.wait()
        serving.stop.set()
        response = await interrupted
        await asyncio.wait_for(serving.task, LIMIT_SECONDS)
    assert response.status_code == 503
    assert response.json()["code"] == "shutting_down"
    assert response.headers["retry-after"] == "5"
    assert response.headers["connection"] == "close"
    assert "Traceback" not in caplog.text


async def test_being_cancelled_frees_the_port() -> None:
    serving = ServerApp()
    async with client(serving) as one:
        await one.get("/quick")
        serving.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(serving.task, LIMIT_SECONDS)
    assert await _is_refused(serving.address)
