"""The server in the service's event loop: binding, signals, shutdown."""

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
    """An app with a slow, a quick and an endless response."""

    def __init__(self) -> None:
        self.app = GuardedApp()
        self.stop, self.started, self.resume = asyncio.Event(), asyncio.Event(), asyncio.Event()
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
        self.started.set()
        await self.resume.wait()
        return "done"

    async def endless(self) -> StreamingResponse:
        async def zeroes() -> AsyncIterator[bytes]:
            while True:
                yield bytes(65_536)

        return StreamingResponse(zeroes())


def client(serving: ServerApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=serving.url, timeout=30, trust_env=False)


async def _is_refused(address: tuple[str, int]) -> bool:
    with socket.socket() as http_client:
        return http_client.connect_ex(address) != 0


def test_connections_send_a_body_at_once() -> None:
    """Otherwise it waits until the client has acknowledged the head, for 40 ms."""
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_port_in_use_raises_bind_error() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(
            BindError, match=rf"cannot listen on 127.0.0.1 port {port} \(Address already in use\)"
        ):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("203.0.113.1", 0), ("no.such.host.invalid", 0)])
def test_foreign_address_raises_bind_error(host: str, port: int) -> None:
    with pytest.raises(BindError, match="MIGRATION_HTTP_HOST"):
        listen(host, port)


async def test_signal_handlers_are_unchanged() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    serving = ServerApp()
    async with client(serving) as http_client:
        await http_client.get("/quick")
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    serving.stop.set()
    await serving.task


async def test_stop_finishes_running_requests_and_refuses_new_connections() -> None:
    serving = ServerApp()
    async with client(serving) as http_client:
        response = asyncio.create_task(http_client.get("/slow"))
        await serving.started.wait()
        serving.stop.set()
        await wait_until_async(lambda: _is_refused(serving.address), LIMIT_SECONDS, "the port to be closed")
        assert not serving.task.done()
        serving.resume.set()
        assert (await response).json() == "done"
        await asyncio.wait_for(serving.task, LIMIT_SECONDS)


async def test_stop_does_not_wait_for_idle_connections() -> None:
    serving = ServerApp()
    async with client(serving) as http_client:
        await http_client.get("/quick")
        serving.stop.set()
        started = time.monotonic()
        await asyncio.wait_for(serving.task, LIMIT_SECONDS)
        assert time.monotonic() - started < SHUTDOWN_GRACE_SECONDS


async def test_endless_response_does_not_block_shutdown() -> None:
    serving = ServerApp()
    async with client(serving) as http_client, http_client.stream("GET", "/endless"):
        serving.stop.set()
        await asyncio.wait_for(serving.task, LIMIT_SECONDS)
    assert await _is_refused(serving.address)


async def test_interrupted_request_is_503(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """uvicorn would answer `500 Internal Server Error` and log a traceback."""
    serving = ServerApp()
    async with client(serving) as http_client:
        interrupted = asyncio.create_task(http_client.get("/slow"))
        await serving.started.wait()
        serving.stop.set()
        response = await interrupted
        await asyncio.wait_for(serving.task, LIMIT_SECONDS)
    assert response.status_code == 503
    assert response.json()["code"] == "shutting_down"
    assert response.headers["retry-after"] == "5"
    assert response.headers["connection"] == "close"
    assert "Traceback" not in caplog.text


async def test_cancellation_closes_the_port() -> None:
    serving = ServerApp()
    async with client(serving) as http_client:
        await http_client.get("/quick")
        serving.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(serving.task, LIMIT_SECONDS)
    assert await _is_refused(serving.address)
