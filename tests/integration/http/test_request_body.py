"""Request bodies over real connections: lingering close, minimum rate, framing, size limits."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from fastapi import Request
from pydantic import BaseModel

from consumer.http import error_handlers
from consumer.http.limits.transfer_rate import MinTransferRate
from consumer.http.middleware import request_body
from consumer.http.middleware.guarded_app import GuardedApp
from consumer.http.middleware.request_body import MAX_BODY_BYTES
from consumer.http.problem import ProblemError
from schemas.codes import ProblemCode
from tests.integration.http.app_server import serve_app
from tests.integration.http.raw_http import RawConnection, build_head, connect
from tests.support.wait import wait_until_async

BIG = 100 * 2**20
CHUNKED = "Transfer-Encoding: chunked"
GZIP = ("Content-Length: 2", "Content-Encoding: gzip")


class Item(BaseModel):
    name: str


class UploadApp:
    """An app that accepts and rejects bodies."""

    def __init__(self) -> None:
        self.port = 0
        self.outcomes: list[str] = []
        self.app = GuardedApp()
        self.app.streamed_paths = {"/read", "/refuse", "/refuse-later"}
        error_handlers.install(self.app)
        self.app.post("/read")(self.read)
        self.app.post("/refuse")(self.reject)
        self.app.post("/refuse-later")(self.reject_later)
        self.app.post("/json")(self.json)

    async def read(self, request: Request) -> int:
        """Read the whole body in pieces."""
        size = 0
        try:
            async for piece in request.stream():
                size += len(piece)
        except BaseException as error:
            self.outcomes.append(type(error).__name__)
            raise
        self.outcomes.append("whole")
        return size

    async def read_finished(self) -> bool:
        """Whether a request to `/read` has finished."""
        return bool(self.outcomes)

    async def reject(self) -> int:
        raise _busy_error()

    async def reject_later(self, request: Request) -> int:
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > 2**20:
                raise _busy_error()
        return size

    async def json(self, item: Item) -> str:
        return item.name


def _busy_error() -> ProblemError:
    return ProblemError(503, ProblemCode.BUSY, "All slots are taken.", retry_after=1)


@pytest_asyncio.fixture
async def upload_app() -> AsyncIterator[UploadApp]:
    app = UploadApp()
    async with serve_app(app.app) as port:
        app.port = port
        yield app


@pytest.fixture
def big_file(tmp_path: Path) -> Path:
    path = tmp_path / "big.xlsx"
    with path.open("wb") as file:
        file.truncate(BIG)
    return path


async def curl(port: int, path: str, *options: str) -> tuple[int, str]:
    """Run curl; returns its exit code, and the body and status it printed."""
    process = await asyncio.create_subprocess_exec(
        *("curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "50"),
        *("--write-out", "|%{http_code}", *options, f"http://127.0.0.1:{port}{path}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


@pytest.mark.parametrize("path", ["/refuse", "/refuse-later", "/json"])
@pytest.mark.parametrize(
    "options",
    [
        ("--form", "file=@{}"),
        ("--form", "file=@{}", "--header", "Expect:"),
        ("--form", "file=@{}", "--header", CHUNKED),
        ("--form", "file=@{}", "--header", CHUNKED, "--header", "Expect:"),
        ("--request", "POST", "--upload-file", "{}", "--header", "Expect:"),
    ],
)
async def test_curl_receives_the_rejection_of_its_upload(
    upload_app: UploadApp, big_file: Path, path: str, options: tuple[str, ...]
) -> None:
    code, response = await curl(upload_app.port, path, *(word.format(big_file) for word in options))
    expected = ('"code":"too_large"', "413") if path == "/json" else ('"code":"busy"', "503")
    assert (code, response[-4:]) == (0, f"|{expected[1]}"), response
    assert expected[0] in response


async def test_complete_upload_is_accepted(upload_app: UploadApp, big_file: Path) -> None:
    for options in (["--header", "Expect:"], ["--header", CHUNKED], []):
        code, response = await curl(upload_app.port, "/read", "--data-binary", f"@{big_file}", *options)
        assert (code, response) == (0, f"{BIG}|200")
    assert upload_app.outcomes == ["whole"] * 3


async def test_client_that_reads_after_sending_everything_receives_the_rejection(
    upload_app: UploadApp,
) -> None:
    async with connect(upload_app.port) as client:
        await client.send(build_head("POST", "/refuse", f"Content-Length: {BIG}"))
        for _ in range(100):
            await client.send(bytes(2**20))
        response = await client.read_response()
        assert (response.status, response.code, response.headers["connection"]) == (503, "busy", "close")
        assert await client.read_until_closed() == b""


async def test_expect_100_continue_is_rejected_before_the_body(
    upload_app: UploadApp,
) -> None:
    async with connect(upload_app.port) as client:
        await client.send(build_head("POST", "/refuse", f"Content-Length: {BIG}", "Expect: 100-continue"))
        assert (await client.read_response()).status == 503
    async with connect(upload_app.port) as client:
        await client.send(build_head("POST", "/read", "Content-Length: 5", "Expect: 100-continue"))
        assert (await client.read_response()).status == 100
        await client.send(b"hello")
        response = await client.read_response()
        assert (response.status, response.body) == (200, b"5")


async def test_lingering_ends_when_idle(upload_app: UploadApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "LINGER_IDLE_TIMEOUT", 0.5)
    async with connect(upload_app.port) as client:
        await client.send(build_head("POST", "/refuse", f"Content-Length: {BIG}") + bytes(1000))
        assert (await client.read_response()).status == 503
        started = time.monotonic()
        await client.read_until_closed()
        assert 0.3 < time.monotonic() - started < 4


async def test_lingering_is_limited_in_time_and_bytes(
    upload_app: UploadApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "LINGER_TIMEOUT", 1.0)
    assert await _flood_seconds(upload_app, pause=0.1) < 5
    monkeypatch.setattr(request_body, "LINGER_TIMEOUT", 1000.0)
    monkeypatch.setattr(request_body, "LINGER_BYTES", 5 * 2**20)
    assert await _flood_seconds(upload_app, pause=0) < 20


async def _flood_seconds(uploads: UploadApp, pause: float) -> float:
    """For how many seconds a client can continue to send a rejected body."""
    started = time.monotonic()
    async with connect(uploads.port) as client:
        await client.send(build_head("POST", "/refuse", CHUNKED))
        with pytest.raises(ConnectionError):
            await _send_flood(client, pause)
    return time.monotonic() - started


async def _send_flood(client: RawConnection, pause: float) -> None:
    async with asyncio.timeout(30):
        while True:
            await client.send(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            await asyncio.sleep(pause)


async def test_number_of_lingering_connections_is_limited(
    upload_app: UploadApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "MAX_LINGERING_CONNECTIONS", 0)
    async with connect(upload_app.port) as client:
        await client.send(build_head("POST", "/refuse", f"Content-Length: {BIG}"))
        assert (await client.read_response()).status == 503
        started = time.monotonic()
        await client.read_until_closed()
        assert time.monotonic() - started < request_body.LINGER_IDLE_TIMEOUT / 2


@pytest.fixture
def short_pace_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        request_body, "MinTransferRate", lambda: MinTransferRate(grace=1.0, bytes_per_second=1024)
    )


@pytest.mark.parametrize("path", ["/read", "/json"])
@pytest.mark.parametrize("framing", ["Content-Length: 1000", CHUNKED])
async def test_slow_body_is_408(
    upload_app: UploadApp, short_pace_limit: None, path: str, framing: str
) -> None:
    async with connect(upload_app.port) as client:
        await client.send(build_head("POST", path, framing))
        sender = asyncio.create_task(_send_slowly(client, framing == CHUNKED))
        started = time.monotonic()
        response = await client.read_response()
        assert (response.status, response.code, response.headers["connection"]) == (408, "too_slow", "close")
        assert time.monotonic() - started < 4
        sender.cancel()
        await asyncio.wait({sender})
    if path == "/read":
        assert upload_app.outcomes == ["ClientDisconnect"]


async def _send_slowly(client: RawConnection, chunked: bool) -> None:
    while True:
        await client.send(b"1\r\n \r\n" if chunked else b" ")
        await asyncio.sleep(0.1)


async def test_body_above_the_minimum_rate_is_accepted(upload_app: UploadApp, short_pace_limit: None) -> None:
    async with connect(upload_app.port) as client:
        await client.send(build_head("POST", "/read", f"Content-Length: {20 * 400}"))
        for _ in range(20):
            await client.send(bytes(400))
            await asyncio.sleep(0.2)
        assert (await client.read_response()).body == b"8000"


@pytest.mark.parametrize(
    ("request_head", "status", "code"),
    [
        (build_head("POST", "/read", "Content-Length: 5", CHUNKED) + b"0\r\n\r\n", 400, "bad_request"),
        (build_head("GET", "/read", "Content-Length: 5", CHUNKED) + b"0\r\n\r\n", 400, "bad_request"),
        (build_head("POST", "/read", CHUNKED, version="1.0") + b"0\r\n\r\n", 400, "bad_request"),
        (build_head("POST", "/read", *GZIP) + b"{}", 415, "unsupported_media_type"),
        (build_head("POST", "/json", f"Content-Length: {MAX_BODY_BYTES + 1}"), 413, "too_large"),
    ],
)
async def test_rejected_body_closes_the_connection(
    upload_app: UploadApp, request_head: bytes, status: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "LINGER_IDLE_TIMEOUT", 0.5)
    async with connect(upload_app.port) as client:
        await client.send(request_head)
        response = await client.read_response()
        assert (response.status, response.code, response.headers["connection"]) == (status, code, "close")
        assert response.headers["x-content-type-options"] == "nosniff"
        await client.read_until_closed()
    assert upload_app.outcomes == []


async def test_chunked_body_is_rejected_when_it_exceeds_the_limit(upload_app: UploadApp) -> None:
    async with connect(upload_app.port) as client:
        await client.send(build_head("POST", "/json", CHUNKED))
        for _ in range(32):
            await client.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        await client.send(b"0\r\n\r\n")
        response = await client.read_response()
        assert (response.status, response.code) == (413, "too_large")
        assert await client.read_until_closed() == b""


async def test_connection_is_reused_after_a_body(upload_app: UploadApp) -> None:
    async with connect(upload_app.port) as client:
        for _ in range(3):
            await client.send(
                build_head("POST", "/json", "Content-Length: 12", "Content-Type: application/json")
            )
            await client.send(b'{"name":"a"}')
            response = await client.read_response()
            assert (response.status, response.body) == (200, b'"a"')
            assert "connection" not in response.headers


@pytest.mark.parametrize("path", ["/read", "/refuse"])
async def test_invalid_chunk_closes_the_connection_without_traceback(
    upload_app: UploadApp, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect(upload_app.port) as client:
        await client.send(build_head("POST", path, CHUNKED) + b"5\r\nhello\r\n")
        if path == "/refuse":
            assert (await client.read_response()).status == 503
        await client.send(b"nonsense\r\n")
        rest = await client.read_until_closed()
        assert (b"HTTP/1.1 400" in rest) == (path == "/read")
    assert not [record for record in caplog.records if record.exc_info]


async def test_disconnecting_client_leaves_no_traceback(
    upload_app: UploadApp, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect(upload_app.port) as client:
        await client.send(build_head("POST", "/read", "Content-Length: 1000") + bytes(10))
        client.reset()
        await wait_until_async(upload_app.read_finished, 10, "the request to end")
    assert upload_app.outcomes == ["ClientDisconnect"]
    assert not [record for record in caplog.records if record.exc_info]
