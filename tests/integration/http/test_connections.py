"""Connections below ASGI: how many, how long a head may take, and what cannot be parsed."""

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
    one, stop = ConnectionApp(), asyncio.Event()
    listener = listen("127.0.0.1", 0)
    one.port = listener.getsockname()[1]
    task = asyncio.create_task(serve_on(one.app, listener, stop, max_connections=max_connections))
    try:
        yield one
    finally:
        one.release.set()
        stop.set()
        await task


@pytest.fixture
def short_head_timeout(monkeypatch: pytest.MonkeyPatch) -> float:
    """Seconds that a head may take in this test."""
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT", 1.0)
    return 1.0


async def test_a_connection_beyond_the_limit_gets_a_503_and_is_closed() -> None:
    async with serve_connection_app(2) as one, AsyncExitStack() as stack:
        for _ in range(2):
            await (await stack.enter_async_context(connect(one.port))).send(build_head("GET", "/slow"))
        # A moment later both requests are there, so neither connection makes room.
        for _ in range(3):
            refused = await stack.enter_async_context(connect(one.port))
            await refused.send(QUICK_REQUEST)
            answer = await refused.read_response()
            assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "busy", "1")
            assert answer.headers["connection"] == "close"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert await refused.read_until_closed() == b""


async def test_three_hundred_connections_that_send_nothing_do_not_keep_a_client_out(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve_connection_app(256) as one, AsyncExitStack() as stack:
        with monkeypatch.context() as patience:  # none is evicted while they open
            patience.setattr(connection_limiter, "MIN_IDLE_BEFORE_EVICTION", 3_600)
            opened = [await stack.enter_async_context(connect(one.port)) for _ in range(300)]
            refused = [await each.read_response() for each in opened[256:]]
        assert {answer.status for answer in refused} == {503}
        begun = time.monotonic()
        while True:  # the first that has waited for a second makes room
            client = await stack.enter_async_context(connect(one.port))
            await client.send(QUICK_REQUEST)
            if (await client.read_response()).status == 200:
                break
        assert time.monotonic() - begun < 5
        evicted = await opened[0].read_until_closed()
        assert evicted == b""
    assert len(caplog.records) < 20


async def test_a_connection_with_a_request_never_makes_room() -> None:
    async with serve_connection_app(1) as one, connect(one.port) as busy:
        await busy.send(build_head("GET", "/slow"))
        for _ in range(3):
            async with connect(one.port) as other:
                assert (await other.read_response()).status == 503
            await asyncio.sleep(0.5)
        one.release.set()
        assert (await busy.read_response()).status == 200


async def test_places_are_free_again_after_a_reset(short_head_timeout: float) -> None:
    async with serve_connection_app(4) as one:
        for _ in range(30):
            async with connect(one.port) as client:
                await client.send(QUICK_REQUEST)
                assert (await client.read_response()).status == 200
                client.reset()
                async with asyncio.timeout(5):
                    while not await _has_room(one.port):
                        pass


async def _has_room(port: int) -> bool:
    async with connect(port) as client:
        await client.send(QUICK_REQUEST)
        return (await client.read_response()).status == 200


@pytest.mark.parametrize("begin", [b"", b"GET /quick HTTP/1.1\r\nHost: local"])
async def test_a_head_that_does_not_come_is_a_408(begin: bytes, short_head_timeout: float) -> None:
    async with serve_connection_app(10) as one, connect(one.port) as client:
        begun = time.monotonic()
        await client.send(begin)
        answer = await client.read_response()
        assert (answer.status, answer.code) == (408, "too_slow")
        assert short_head_timeout <= time.monotonic() - begun < short_head_timeout + 3
        assert await client.read_until_closed() == b""


async def test_a_head_that_drips_in_has_no_more_time_for_it(short_head_timeout: float) -> None:
    async with serve_connection_app(10) as one, connect(one.port) as client:
        await client.send(b"GET /quick HTTP/1.1\r\n")
        dripping = asyncio.create_task(_send_slowly(client))
        answer = await client.read_response()
        dripping.cancel()
        assert (answer.status, answer.code) == (408, "too_slow")


async def _send_slowly(client: RawConnection) -> None:
    while True:
        await client.send(b"x-a: b\r\n")
        await asyncio.sleep(0.1)


async def test_the_next_head_has_its_time_from_its_first_byte(short_head_timeout: float) -> None:
    async with serve_connection_app(10) as one, connect(one.port) as client:
        for _ in range(2):
            await client.send(QUICK_REQUEST)
            assert (await client.read_response()).status == 200
            await asyncio.sleep(short_head_timeout * 1.5)  # idle: uvicorn's own limit of 5 s holds
        begun = time.monotonic()
        await client.send(b"GET /quick")
        assert (await client.read_response()).status == 408
        assert time.monotonic() - begun >= short_head_timeout


async def test_an_answer_may_take_longer_than_a_head(short_head_timeout: float) -> None:
    async with serve_connection_app(10) as one, connect(one.port) as client:
        await client.send(build_head("GET", "/slow"))
        await asyncio.sleep(short_head_timeout * 2)
        one.release.set()
        assert (await client.read_response()).status == 200


async def test_pipelined_requests_are_answered_in_order(short_head_timeout: float) -> None:
    async with serve_connection_app(10) as one, connect(one.port) as client:
        await client.send(QUICK_REQUEST * 3 + b"GET /quick")
        assert [(await client.read_response()).status for _ in range(3)] == [200] * 3
        await client.send(b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await client.read_response()).status == 200


@pytest.mark.parametrize(
    "nonsense",
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
async def test_what_is_no_http_is_a_problem(nonsense: bytes) -> None:
    async with serve_connection_app(10) as one, connect(one.port) as client:
        await client.send(nonsense)
        answer = await client.read_response()
        assert (answer.status, answer.code) == (400, "bad_request")
        assert answer.headers["content-type"] == "application/problem+json"
        assert await client.read_until_closed() == b""


async def test_running_out_of_files_leaves_a_few_lines_in_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What asyncio does for each place in the backlog, again and again, when `accept` fails with EMFILE."""
    monkeypatch.setattr(log_limits, "_ACCEPT_LIMIT", fresh := RateLimitFilter())
    loop = asyncio.get_running_loop()
    async with serve_connection_app(10) as one:
        assert await _has_room(one.port)
        for _ in range(2_000):
            loop.call_exception_handler(
                {
                    "message": "socket.accept() out of system resource",
                    "exception": OSError(errno.EMFILE, "Too many open files"),
                }
            )
    logging.getLogger(log_limits.ACCEPT_LOGGER).removeFilter(fresh)
    assert len([record for record in caplog.records if "out of system resource" in record.getMessage()]) == 3


async def test_a_head_of_many_headers_is_taken_up_to_its_limit() -> None:
    async with serve_connection_app(10) as one, connect(one.port) as client:
        whole = build_head("GET", "/quick", "x: " + "y" * (MAX_HEAD_BYTES - 200))
        await client.send(whole[:-4])
        await asyncio.sleep(0.1)  # so that it arrives in two pieces: the limit is on what is incomplete
        await client.send(whole[-4:])
        assert (await client.read_response()).status == 200


async def test_nonsense_by_the_thousand_leaves_a_few_lines_in_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    used_up, fresh = log_limits._REQUEST_LIMIT, log_limits.WarningRateLimitFilter()
    logging.getLogger(log_limits.REQUEST_LOGGER).removeFilter(used_up)
    monkeypatch.setattr(log_limits, "_REQUEST_LIMIT", fresh)
    async with serve_connection_app(10) as one:
        for _ in range(200):
            async with connect(one.port) as client:
                await client.send(b"nonsense\r\n\r\n")
                assert (await client.read_response()).status == 400
    logging.getLogger(log_limits.REQUEST_LOGGER).removeFilter(fresh)
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 3


async def test_clients_that_do_not_take_their_responses_keep_no_more_connections_than_the_limit() -> None:
    """A response is whole for the server once it is buffered; the connection is not free before then."""
    async with serve_connection_app(16) as one, AsyncExitStack() as stack:
        for _ in range(60):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", one.port))
            client.send(build_head("GET", "/large"))
            await asyncio.sleep(0.02)

        async def within_the_limit() -> bool:
            return _open_server_sockets(one.port) <= 16 + protocol.MAX_LINGERING_REFUSALS

        await wait_until_async(within_the_limit, 10, "the others to be closed")


def _open_server_sockets(port: int) -> int:
    """Sockets of the server's side that are open, by the kernel's table (0A: listening, 0: of no process)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] != "0A" and row[9] != "0" for row in rows)
