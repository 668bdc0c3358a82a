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

from consumer.http import connection_gate, connections, log_limits
from consumer.http.connections import HEAD_BYTES
from consumer.http.server import listen, serve_on
from messaging.quiet import Quiet
from tests.integration.http.raw import Raw, connected, head
from tests.support.wait import until_async

QUICK = head("GET", "/quick")


class Serving:
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
async def serving(max_connections: int) -> AsyncIterator[Serving]:
    one, stop = Serving(), asyncio.Event()
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
def short_head(monkeypatch: pytest.MonkeyPatch) -> float:
    """Seconds that a head may take in this test."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 1.0)
    return 1.0


async def test_a_connection_beyond_the_limit_gets_a_503_and_is_closed() -> None:
    async with serving(2) as one, AsyncExitStack() as stack:
        for _ in range(2):
            await (await stack.enter_async_context(connected(one.port))).send(head("GET", "/slow"))
        # A moment later both requests are there, so neither connection makes room.
        for _ in range(3):
            refused = await stack.enter_async_context(connected(one.port))
            await refused.send(QUICK)
            answer = await refused.answer()
            assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "busy", "1")
            assert answer.headers["connection"] == "close"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert await refused.closed() == b""


async def test_three_hundred_connections_that_send_nothing_do_not_keep_a_client_out(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(256) as one, AsyncExitStack() as stack:
        with monkeypatch.context() as patience:  # none is evicted while they open
            patience.setattr(connection_gate, "EVICTABLE_SECONDS", 3_600)
            opened = [await stack.enter_async_context(connected(one.port)) for _ in range(300)]
            refused = [await each.answer() for each in opened[256:]]
        assert {answer.status for answer in refused} == {503}
        begun = time.monotonic()
        while True:  # the first that has waited for a second makes room
            client = await stack.enter_async_context(connected(one.port))
            await client.send(QUICK)
            if (await client.answer()).status == 200:
                break
        assert time.monotonic() - begun < 5
        evicted = await opened[0].closed()
        assert evicted == b""
    assert len(caplog.records) < 20


async def test_a_connection_with_a_request_never_makes_room() -> None:
    async with serving(1) as one, connected(one.port) as busy:
        await busy.send(head("GET", "/slow"))
        for _ in range(3):
            async with connected(one.port) as other:
                assert (await other.answer()).status == 503
            await asyncio.sleep(0.5)
        one.release.set()
        assert (await busy.answer()).status == 200


async def test_places_are_free_again_after_a_reset(short_head: float) -> None:
    async with serving(4) as one:
        for _ in range(30):
            async with connected(one.port) as client:
                await client.send(QUICK)
                assert (await client.answer()).status == 200
                client.reset()
                async with asyncio.timeout(5):
                    while not await _is_free(one.port):
                        pass


async def _is_free(port: int) -> bool:
    async with connected(port) as client:
        await client.send(QUICK)
        return (await client.answer()).status == 200


@pytest.mark.parametrize("begin", [b"", b"GET /quick HTTP/1.1\r\nHost: local"])
async def test_a_head_that_does_not_come_is_a_408(begin: bytes, short_head: float) -> None:
    async with serving(10) as one, connected(one.port) as client:
        begun = time.monotonic()
        await client.send(begin)
        answer = await client.answer()
        assert (answer.status, answer.code) == (408, "too_slow")
        assert short_head <= time.monotonic() - begun < short_head + 3
        assert await client.closed() == b""


async def test_a_head_that_drips_in_has_no_more_time_for_it(short_head: float) -> None:
    async with serving(10) as one, connected(one.port) as client:
        await client.send(b"GET /quick HTTP/1.1\r\n")
        dripping = asyncio.create_task(_drip(client))
        answer = await client.answer()
        dripping.cancel()
        assert (answer.status, answer.code) == (408, "too_slow")


async def _drip(client: Raw) -> None:
    while True:
        await client.send(b"x-a: b\r\n")
        await asyncio.sleep(0.1)


async def test_the_next_head_has_its_time_from_its_first_byte(short_head: float) -> None:
    async with serving(10) as one, connected(one.port) as client:
        for _ in range(2):
            await client.send(QUICK)
            assert (await client.answer()).status == 200
            await asyncio.sleep(short_head * 1.5)  # idle: uvicorn's own limit of 5 s holds
        begun = time.monotonic()
        await client.send(b"GET /quick")
        assert (await client.answer()).status == 408
        assert time.monotonic() - begun >= short_head


async def test_an_answer_may_take_longer_than_a_head(short_head: float) -> None:
    async with serving(10) as one, connected(one.port) as client:
        await client.send(head("GET", "/slow"))
        await asyncio.sleep(short_head * 2)
        one.release.set()
        assert (await client.answer()).status == 200


async def test_pipelined_requests_are_answered_in_order(short_head: float) -> None:
    async with serving(10) as one, connected(one.port) as client:
        await client.send(QUICK * 3 + b"GET /quick")
        assert [(await client.answer()).status for _ in range(3)] == [200] * 3
        await client.send(b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await client.answer()).status == 200


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nx: " + b"y" * (HEAD_BYTES + 1),
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_a_problem(nonsense: bytes) -> None:
    async with serving(10) as one, connected(one.port) as client:
        await client.send(nonsense)
        answer = await client.answer()
        assert (answer.status, answer.code) == (400, "bad_request")
        assert answer.headers["content-type"] == "application/problem+json"
        assert await client.closed() == b""


async def test_running_out_of_files_leaves_a_few_lines_in_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What asyncio does for each place in the backlog, again and again, when `accept` fails with EMFILE."""
    monkeypatch.setattr(log_limits, "_ACCEPT_LIMIT", fresh := Quiet())
    loop = asyncio.get_running_loop()
    async with serving(10) as one:
        assert await _is_free(one.port)
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
    async with serving(10) as one, connected(one.port) as client:
        whole = head("GET", "/quick", "x: " + "y" * (HEAD_BYTES - 200))
        await client.send(whole[:-4])
        await asyncio.sleep(0.1)  # so that it arrives in two pieces: the limit is on what is incomplete
        await client.send(whole[-4:])
        assert (await client.answer()).status == 200


async def test_nonsense_by_the_thousand_leaves_a_few_lines_in_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    used_up, fresh = log_limits._REQUEST_LIMIT, log_limits.WarningsLimit()
    logging.getLogger(log_limits.REQUEST_LOGGER).removeFilter(used_up)
    monkeypatch.setattr(log_limits, "_REQUEST_LIMIT", fresh)
    async with serving(10) as one:
        for _ in range(200):
            async with connected(one.port) as client:
                await client.send(b"nonsense\r\n\r\n")
                assert (await client.answer()).status == 400
    logging.getLogger(log_limits.REQUEST_LOGGER).removeFilter(fresh)
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 3


async def test_clients_that_do_not_take_their_responses_keep_no_more_connections_than_the_limit() -> None:
    """A response is whole for the server once it is buffered; the connection is not free before then."""
    async with serving(16) as one, AsyncExitStack() as stack:
        for _ in range(60):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", one.port))
            client.send(head("GET", "/large"))
            await asyncio.sleep(0.02)

        async def within_the_limit() -> bool:
            return _server_sockets(one.port) <= 16 + connections.REFUSED_AT_ONCE

        await until_async(within_the_limit, 10, "the others to be closed")


def _server_sockets(port: int) -> int:
    """Sockets of the server's side that are open, by the kernel's table (0A: listening, 0: of no process)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] != "0A" and row[9] != "0" for row in rows)
