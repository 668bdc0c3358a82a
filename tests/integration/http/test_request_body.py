"""Bodies over real connections: a refusal reaches a client still sending, and no body lasts for ever."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from fastapi import Request
from pydantic import BaseModel

from consumer.http import error_handlers, request_body
from consumer.http.middleware import GuardedApp
from consumer.http.pace import Pace
from consumer.http.problem import ProblemError
from consumer.http.request_body import MAX_BODY_BYTES
from schemas.codes import ProblemCode
from tests.integration.http.raw import Raw, connected, head
from tests.integration.http.serving import serving
from tests.support.wait import until_async

BIG = 100 * 2**20
CHUNKED = "Transfer-Encoding: chunked"
GZIP = ("Content-Length: 2", "Content-Encoding: gzip")


class Item(BaseModel):
    name: str


class Uploads:
    """An app that takes and refuses bodies."""

    def __init__(self) -> None:
        self.port = 0
        self.outcomes: list[str] = []
        self.app = GuardedApp()
        self.app.streamed_paths = {"/read", "/refuse", "/refuse-later"}
        error_handlers.install(self.app)
        self.app.post("/read")(self.read)
        self.app.post("/refuse")(self.refuse)
        self.app.post("/refuse-later")(self.refuse_later)
        self.app.post("/json")(self.json)

    async def read(self, request: Request) -> int:
        """All of it, piece by piece."""
        size = 0
        try:
            async for piece in request.stream():
                size += len(piece)
        except BaseException as error:
            self.outcomes.append(type(error).__name__)
            raise
        self.outcomes.append("whole")
        return size

    async def ended(self) -> bool:
        """Whether a request to `/read` has."""
        return bool(self.outcomes)

    async def refuse(self) -> int:
        raise _full()

    async def refuse_later(self, request: Request) -> int:
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > 2**20:
                raise _full()
        return size

    async def json(self, item: Item) -> str:
        return item.name


def _full() -> ProblemError:
    return ProblemError(503, ProblemCode.BUSY, "Every place is taken.", retry_after=1)


@pytest_asyncio.fixture
async def uploads() -> AsyncIterator[Uploads]:
    one = Uploads()
    async with serving(one.app) as port:
        one.port = port
        yield one


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big.xlsx"
    with path.open("wb") as file:
        file.truncate(BIG)
    return path


async def curl(port: int, path: str, *words: str) -> tuple[int, str]:
    """Exit code and status, with the body behind it."""
    process = await asyncio.create_subprocess_exec(
        *("curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "50"),
        *("--write-out", "|%{http_code}", *words, f"http://127.0.0.1:{port}{path}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


@pytest.mark.parametrize("path", ["/refuse", "/refuse-later", "/json"])
@pytest.mark.parametrize(
    "words",
    [
        ("--form", "file=@{}"),
        ("--form", "file=@{}", "--header", "Expect:"),
        ("--form", "file=@{}", "--header", CHUNKED),
        ("--form", "file=@{}", "--header", CHUNKED, "--header", "Expect:"),
        ("--request", "POST", "--upload-file", "{}", "--header", "Expect:"),
    ],
)
async def test_curl_sees_why_its_upload_is_refused(
    uploads: Uploads, big: Path, path: str, words: tuple[str, ...]
) -> None:
    code, answer = await curl(uploads.port, path, *(word.format(big) for word in words))
    expected = ('"code":"too_large"', "413") if path == "/json" else ('"code":"busy"', "503")
    assert (code, answer[-4:]) == (0, f"|{expected[1]}"), answer
    assert expected[0] in answer


async def test_a_whole_upload_is_taken(uploads: Uploads, big: Path) -> None:
    for words in (["--header", "Expect:"], ["--header", CHUNKED], []):
        code, answer = await curl(uploads.port, "/read", "--data-binary", f"@{big}", *words)
        assert (code, answer) == (0, f"{BIG}|200")
    assert uploads.outcomes == ["whole"] * 3


async def test_a_client_that_reads_only_after_sending_all_sees_the_refusal(uploads: Uploads) -> None:
    async with connected(uploads.port) as client:
        await client.send(head("POST", "/refuse", f"Content-Length: {BIG}"))
        for _ in range(100):
            await client.send(bytes(2**20))
        answer = await client.answer()
        assert (answer.status, answer.code, answer.headers["connection"]) == (503, "busy", "close")
        assert await client.closed() == b""


async def test_who_expects_leave_to_send_is_refused_without_being_asked_for_the_body(
    uploads: Uploads,
) -> None:
    async with connected(uploads.port) as client:
        await client.send(head("POST", "/refuse", f"Content-Length: {BIG}", "Expect: 100-continue"))
        assert (await client.answer()).status == 503
    async with connected(uploads.port) as client:
        await client.send(head("POST", "/read", "Content-Length: 5", "Expect: 100-continue"))
        assert (await client.answer()).status == 100
        await client.send(b"hello")
        answer = await client.answer()
        assert (answer.status, answer.body) == (200, b"5")


async def test_lingering_ends_when_nothing_more_comes(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "LINGER_IDLE_SECONDS", 0.5)
    async with connected(uploads.port) as client:
        await client.send(head("POST", "/refuse", f"Content-Length: {BIG}") + bytes(1000))
        assert (await client.answer()).status == 503
        begun = time.monotonic()
        await client.closed()
        assert 0.3 < time.monotonic() - begun < 4


async def test_lingering_ends_when_it_takes_too_long_or_too_much(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "LINGER_SECONDS", 1.0)
    assert await _time_of_a_flood(uploads, pause=0.1) < 5
    monkeypatch.setattr(request_body, "LINGER_SECONDS", 1000.0)
    monkeypatch.setattr(request_body, "LINGER_BYTES", 5 * 2**20)
    assert await _time_of_a_flood(uploads, pause=0) < 20


async def _time_of_a_flood(uploads: Uploads, pause: float) -> float:
    """How long a client can go on sending what is not wanted, in seconds."""
    begun = time.monotonic()
    async with connected(uploads.port) as client:
        await client.send(head("POST", "/refuse", CHUNKED))
        with pytest.raises(ConnectionError):
            await _flood(client, pause)
    return time.monotonic() - begun


async def _flood(client: Raw, pause: float) -> None:
    async with asyncio.timeout(30):
        while True:
            await client.send(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            await asyncio.sleep(pause)


async def test_only_so_many_connections_linger_at_once(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "LINGERING_CONNECTIONS", 0)
    async with connected(uploads.port) as client:
        await client.send(head("POST", "/refuse", f"Content-Length: {BIG}"))
        assert (await client.answer()).status == 503
        begun = time.monotonic()
        await client.closed()
        assert time.monotonic() - begun < request_body.LINGER_IDLE_SECONDS / 2


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "Pace", lambda: Pace(grace=1.0, bytes_per_second=1024))


@pytest.mark.parametrize("path", ["/read", "/json"])
@pytest.mark.parametrize("framing", ["Content-Length: 1000", CHUNKED])
async def test_a_body_that_does_not_move_is_a_408(
    uploads: Uploads, impatient: None, path: str, framing: str
) -> None:
    async with connected(uploads.port) as client:
        await client.send(head("POST", path, framing))
        dripping = asyncio.create_task(_drip(client, framing == CHUNKED))
        begun = time.monotonic()
        answer = await client.answer()
        assert (answer.status, answer.code, answer.headers["connection"]) == (408, "too_slow", "close")
        assert time.monotonic() - begun < 4
        dripping.cancel()
        await asyncio.wait({dripping})
    if path == "/read":
        assert uploads.outcomes == ["ClientDisconnect"]


async def _drip(client: Raw, chunked: bool) -> None:
    while True:
        await client.send(b"1\r\n \r\n" if chunked else b" ")
        await asyncio.sleep(0.1)


async def test_a_body_that_moves_may_take_its_time(uploads: Uploads, impatient: None) -> None:
    async with connected(uploads.port) as client:
        await client.send(head("POST", "/read", f"Content-Length: {20 * 400}"))
        for _ in range(20):
            await client.send(bytes(400))
            await asyncio.sleep(0.2)
        assert (await client.answer()).body == b"8000"


@pytest.mark.parametrize(
    ("request_head", "status", "code"),
    [
        (head("POST", "/read", "Content-Length: 5", CHUNKED) + b"0\r\n\r\n", 400, "bad_request"),
        (head("GET", "/read", "Content-Length: 5", CHUNKED) + b"0\r\n\r\n", 400, "bad_request"),
        (head("POST", "/read", CHUNKED, version="1.0") + b"0\r\n\r\n", 400, "bad_request"),
        (head("POST", "/read", *GZIP) + b"{}", 415, "unsupported_media_type"),
        (head("POST", "/json", f"Content-Length: {MAX_BODY_BYTES + 1}"), 413, "too_large"),
    ],
)
async def test_what_cannot_be_taken_is_refused_and_the_connection_closed(
    uploads: Uploads, request_head: bytes, status: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "LINGER_IDLE_SECONDS", 0.5)
    async with connected(uploads.port) as client:
        await client.send(request_head)
        answer = await client.answer()
        assert (answer.status, answer.code, answer.headers["connection"]) == (status, code, "close")
        assert answer.headers["x-content-type-options"] == "nosniff"
        await client.closed()
    assert uploads.outcomes == []


async def test_a_chunked_body_beyond_its_limit_is_refused_where_it_exceeds_it(uploads: Uploads) -> None:
    async with connected(uploads.port) as client:
        await client.send(head("POST", "/json", CHUNKED))
        for _ in range(32):
            await client.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        await client.send(b"0\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.code) == (413, "too_large")
        assert await client.closed() == b""


async def test_a_connection_goes_on_after_a_body_that_was_read(uploads: Uploads) -> None:
    async with connected(uploads.port) as client:
        for _ in range(3):
            await client.send(head("POST", "/json", "Content-Length: 12", "Content-Type: application/json"))
            await client.send(b'{"name":"a"}')
            answer = await client.answer()
            assert (answer.status, answer.body) == (200, b'"a"')
            assert "connection" not in answer.headers


@pytest.mark.parametrize("path", ["/read", "/refuse"])
async def test_a_broken_chunk_ends_the_connection_and_leaves_no_traceback(
    uploads: Uploads, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(uploads.port) as client:
        await client.send(head("POST", path, CHUNKED) + b"5\r\nhello\r\n")
        if path == "/refuse":
            assert (await client.answer()).status == 503
        await client.send(b"nonsense\r\n")
        rest = await client.closed()
        assert (b"HTTP/1.1 400" in rest) == (path == "/read")
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_client_that_goes_away_leaves_no_traceback(
    uploads: Uploads, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(uploads.port) as client:
        await client.send(head("POST", "/read", "Content-Length: 1000") + bytes(10))
        client.reset()
        await until_async(uploads.ended, 10, "the request to end")
    assert uploads.outcomes == ["ClientDisconnect"]
    assert not [record for record in caplog.records if record.exc_info]
