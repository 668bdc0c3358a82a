"""Connections below ASGI: their limit, the timeout of a head, and requests that cannot be parsed."""

import asyncio
import errno
import logging
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI, Response

from consumer.http.connections import connection_limiter, protocol
from consumer.http.connections.protocol import MAX_HEAD_BYTES
from consumer.http.limits import log_limits
from consumer.http.server import listen, serve_on
from messaging.log_filter import RateLimitFilter
from tests.integration.http.raw_http import RawConnection, build_head, connect
from tests.support.wait import wait_until_async

QUICK_REQUEST = build_head("GET", "/quick")


class ConnectionApp:
    """An app behind the server, with a route that waits."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.release = asyncio.Event()
        self.port = 0

        @self.app.get("/quick")
        async def quick() -> str:
            return "done"

        @self.app.get("/large")
        async def large() -> Response:
            return Response(bytes(2_000_000))

        @self.app.get("/slow")
        async def slow() -> str:
            await self.release.wait()
            return "done"


@asynccontextmanager
async def serve_connection_app(max_connections: int) -> AsyncIterator[ConnectionApp]:
    served, stop = ConnectionApp(), asyncio.Event()
    listener = listen("127.0.0.1", 0)
    served.port = listener.getsockname()[1]
    task = asyncio.create_task(serve_on(served.app, listener, stop, max_connections=max_connections))
    try:
        yield served
    finally:
        served.release.set()
        stop.set()
        await task


@pytest.fixture
def short_head_timeout(monkeypatch: pytest.MonkeyPatch) -> float:
    """The head timeout of this test in seconds."""
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT", 1.0)
    return 1.0


async def test_connection_beyond_the_limit_gets_503_and_is_closed() -> None:
    async with serve_connection_app(2) as served, AsyncExitStack() as stack:
        for _ in range(2):
            await (await stack.enter_async_context(connect(served.port))).send(build_head("GET", "/slow"))
        # Both requests have arrived by then, so neither connection can be evicted.
        for _ in range(3):
            refused = await stack.enter_async_context(connect(served.port))
            await refused.send(QUICK_REQUEST)
            response = await refused.read_response()
            assert (response.status, response.code, response.headers["retry-after"]) == (503, "busy", "1")
            assert response.headers["connection"] == "close"
            assert response.headers["x-content-type-options"] == "nosniff"
            assert await refused.read_until_closed() == b""


async def test_300_idle_connections_do_not_lock_out_a_client(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve_connection_app(256) as served, AsyncExitStack() as stack:
        with monkeypatch.context() as no_eviction:  # no eviction while they open
            no_eviction.setattr(connection_limiter, "MIN_IDLE_BEFORE_EVICTION", 3_600)
            opened = [await stack.enter_async_context(connect(served.port)) for _ in range(300)]
            refused = [await connection.read_response() for connection in opened[256:]]
        assert {response.status for response in refused} == {503}
        started = time.monotonic()
        while True:  # until the first idle connection may be evicted
            client = await stack.enter_async_context(connect(served.port))
            await client.send(QUICK_REQUEST)
            if (await client.read_response()).status == 200:
                break
        assert time.monotonic() - started < 5
        evicted = await opened[0].read_until_closed()
        assert evicted == b""
    assert len(caplog.records) < 20


async def test_busy_connection_is_never_evicted() -> None:
    async with serve_connection_app(1) as served, connect(served.port) as busy:
        await busy.send(build_head("GET", "/slow"))
        for _ in range(3):
            async with connect(served.port) as other:
                assert (await other.read_response()).status == 503
            await asyncio.sleep(0.5)
        served.release.set()
        assert (await busy.read_response()).status == 200


async def test_reset_connections_are_not_counted(short_head_timeout: float) -> None:
    async with serve_connection_app(4) as served:
        for _ in range(30):
            async with connect(served.port) as client:
                await client.send(QUICK_REQUEST)
                assert (await client.read_response()).status == 200
                client.reset()
                async with asyncio.timeout(5):
                    while not await _is_admitted(served.port):
                        pass


async def _is_admitted(port: int) -> bool:
    async with connect(port) as client:
        await client.send(QUICK_REQUEST)
        return (await client.read_response()).status == 200


@pytest.mark.parametrize("start", [b"", b"GET /quick HTTP/1.1\r\nHost: local"])
async def test_missing_head_is_408(start: bytes, short_head_timeout: float) -> None:
    async with serve_connection_app(10) as served, connect(served.port) as client:
        started = time.monotonic()
        await client.send(start)
        response = await client.read_response()
        assert (response.status, response.code) == (408, "too_slow")
        assert short_head_timeout <= time.monotonic() - started < short_head_timeout + 3
        assert await client.read_until_closed() == b""


async def test_slow_head_gets_no_extra_time(short_head_timeout: float) -> None:
    async with serve_connection_app(10) as served, connect(served.port) as client:
        await client.send(b"GET /quick HTTP/1.1\r\n")
        dripping = asyncio.create_task(_send_slowly(client))
        response = await client.read_response()
        dripping.cancel()
        assert (response.status, response.code) == (408, "too_slow")


async def _send_slowly(client: RawConnection) -> None:
    while True:
        await client.send(b"x-a: b\r\n")
        await asyncio.sleep(0.1)


async def test_timeout_of_the_next_head_starts_at_its_first_byte(short_head_timeout: float) -> None:
    async with serve_connection_app(10) as served, connect(served.port) as client:
        for _ in range(2):
            await client.send(QUICK_REQUEST)
            assert (await client.read_response()).status == 200
            await asyncio.sleep(short_head_timeout * 1.5)  # idle: uvicorn's own limit of 5 s holds
        started = time.monotonic()
        await client.send(b"GET /quick")
        assert (await client.read_response()).status == 408
        assert time.monotonic() - started >= short_head_timeout


async def test_response_may_take_longer_than_the_head_timeout(short_head_timeout: float) -> None:
    async with serve_connection_app(10) as served, connect(served.port) as client:
        await client.send(build_head("GET", "/slow"))
        await asyncio.sleep(short_head_timeout * 2)
        served.release.set()
        assert (await client.read_response()).status == 200


async def test_pipelined_requests_are_answered_in_order(short_head_timeout: float) -> None:
    async with serve_connection_app(10) as served, connect(served.port) as client:
        await client.send(QUICK_REQUEST * 3 + b"GET /quick")
        assert [(await client.read_response()).status for _ in range(3)] == [200] * 3
        await client.send(b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await client.read_response()).status == 200


@pytest.mark.parametrize(
    "invalid",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nx: " + b"y" * (MAX_HEAD_BYTES + 1),
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    ],
)
async def test_invalid_http_is_a_problem(invalid: bytes) -> None:
    async with serve_connection_app(10) as served, connect(served.port) as client:
        await client.send(invalid)
        response = await client.read_response()
        assert (response.status, response.code) == (400, "bad_request")
        assert response.headers["content-type"] == "application/problem+json"
        assert await client.read_until_closed() == b""


async def test_file_exhaustion_logs_few_lines(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncio logs this repeatedly, for each connection in the backlog, when `accept` fails with EMFILE."""
    monkeypatch.setattr(log_limits, "_ACCEPT_LIMIT", limit := RateLimitFilter())
    loop = asyncio.get_running_loop()
    async with serve_connection_app(10) as served:
        assert await _is_admitted(served.port)
        for _ in range(2_000):
            loop.call_exception_handler(
                {
                    "message": "socket.accept() out of system resource",
                    "exception": OSError(errno.EMFILE, "Too many open files"),
                }
            )
    logging.getLogger(log_limits.ACCEPT_LOGGER).removeFilter(limit)
    assert len([record for record in caplog.records if "out of system resource" in record.getMessage()]) == 3


async def test_head_is_accepted_up_to_its_limit() -> None:
    async with serve_connection_app(10) as served, connect(served.port) as client:
        head = build_head("GET", "/quick", "x: " + "y" * (MAX_HEAD_BYTES - 200))
        await client.send(head[:-4])
        await asyncio.sleep(0.1)  # so that it arrives in two pieces: the limit applies to an incomplete head
        await client.send(head[-4:])
        assert (await client.read_response()).status == 200


async def test_many_invalid_requests_log_few_lines(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed, limit = log_limits._REQUEST_LIMIT, log_limits.WarningRateLimitFilter()
    logging.getLogger(log_limits.REQUEST_LOGGER).removeFilter(installed)
    monkeypatch.setattr(log_limits, "_REQUEST_LIMIT", limit)
    async with serve_connection_app(10) as served:
        for _ in range(200):
            async with connect(served.port) as client:
                await client.send(b"nonsense\r\n\r\n")
                assert (await client.read_response()).status == 400
    logging.getLogger(log_limits.REQUEST_LOGGER).removeFilter(limit)
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 3


async def test_clients_that_do_not_read_responses_are_limited_too() -> None:
    """The server regards a buffered response as complete, but its connection is in use until it is sent."""
    async with serve_connection_app(16) as served, AsyncExitStack() as stack:
        for _ in range(60):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", served.port))
            client.send(build_head("GET", "/large"))
            await asyncio.sleep(0.02)

        async def within_the_limit() -> bool:
            return _open_server_sockets(served.port) <= 16 + protocol.MAX_LINGERING_REFUSALS

        await wait_until_async(within_the_limit, 10, "the other connections to be closed")


def _open_server_sockets(port: int) -> int:
    """Number of open sockets of the server, from the kernel's table (0A: listening, inode 0: no process)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] != "0A" and row[9] != "0" for row in rows)
