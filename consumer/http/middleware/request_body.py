"""Limits on request bodies: unambiguous framing, minimum transfer rate, maximum size, and a lingering close.

If a server closes a connection with unread data, the kernel sends a reset, which destroys the response on its
way: the client reports a broken connection instead of the reason. So after a response that was sent before
the body was read, the middleware continues to read for a while ("lingering close", RFC 9112, 9.6).
"""

import asyncio
import time
from collections.abc import Collection, Mapping

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consumer.http.headers import has_body
from consumer.http.limits.limiters import Slots
from consumer.http.limits.transfer_rate import MIN_BYTES_PER_SECOND, MinTransferRate
from consumer.http.problem import ProblemError
from schemas.codes import ProblemCode

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

MAX_BODY_BYTES = 64 * 1024
"""For routes that do not stream. The longest valid body has about 10 KB, and validation takes time for each
wrong field."""
LINGER_IDLE_TIMEOUT = 5.0
LINGER_TIMEOUT = 30.0
LINGER_BYTES = 512 * 2**20
"""The times are those of nginx (`lingering_timeout`, `lingering_time`), the bytes those of the largest upload
by default: clients such as `requests` send the whole body before they read the response."""
MAX_LINGERING_CONNECTIONS = 16
"""At once; others are closed immediately. Eight at full speed (100 MB/s together) delay the event loop by 19
ms in the median and 86 ms at the 99th percentile."""


class RequestBodyLimits:
    """ASGI middleware. The routes at the paths in `streamed` limit the size of the body themselves.

    So do the routes at `streamed_job_paths`, which have `{id}` for the job: an id may contain slashes.
    """

    def __init__(
        self, app: ASGIApp, streamed: Collection[str] = (), streamed_job_paths: Collection[str] = ()
    ) -> None:
        self._app = app
        self._streamed = frozenset(streamed)
        self._streamed_job_ends = [path.split("{id}") for path in streamed_job_paths]
        self._lingering = Slots(MAX_LINGERING_CONNECTIONS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and enforce the limits on its body, if it has one."""
        if scope["type"] != "http" or not has_body(headers := Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        limit = None if self._is_streamed(scope["path"]) else MAX_BODY_BYTES
        exchange = _Exchange(scope, receive, send, limit, self._lingering)
        if problem := framing_problem(headers, scope["http_version"]) or _size_problem(headers, limit):
            await exchange.refuse(problem)
            return
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            log.debug("http.client_disconnected")

    def _is_streamed(self, path: str) -> bool:
        if path in self._streamed:
            return True
        return any(path.startswith(start) and path.endswith(end) for start, end in self._streamed_job_ends)


class _Exchange:
    """One request with a body, and its response."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, limit: int | None, lingering: Slots
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._limit = limit
        self._lingering = lingering
        self._transfer_rate = MinTransferRate()
        self._received = 0
        self._body_complete = False
        self._response_started = False
        self._may_linger = True
        self._refused = False

    async def receive(self) -> Message:
        """The next piece of the body; a disconnect if the body was rejected."""
        if self._refused:
            return {"type": "http.disconnect"}
        if self._body_complete or self._response_started:
            message = await self._receive()
            self._record_piece(message)
            return message
        received = await self._receive_piece()
        if isinstance(received, ProblemError):
            if not self._response_started:
                await self.refuse(received)
            return {"type": "http.disconnect"}
        return received

    async def send(self, message: Message) -> None:
        """Pass the response on; if it ends before the body does, linger, then close the connection."""
        if not self._refused:
            await self._pass_on(message)

    async def refuse(self, problem: ProblemError) -> None:
        """Answer with a problem in place of the app, whose own response is dropped."""
        self._refused = True
        await problem.response()(self._scope, self._receive, self._pass_on)

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._response_started = True
            await self._send(message if self._body_complete else _with_connection_close(message))
        elif message.get("more_body") or self._body_complete or not self._may_linger:
            await self._send(message)
        else:
            await self._send({**message, "more_body": True})
            await self._linger()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _receive_piece(self) -> Message | ProblemError:
        try:
            message = await self._transfer_rate.wait(self._receive(), self._record_piece)
        except TimeoutError:
            self._may_linger = False  # lingering would wait for the same slow client again
            return _body_too_slow()
        if self._limit is not None and self._received > self._limit:
            return _body_too_large(self._limit)
        return message

    def _record_piece(self, message: Message) -> int:
        """Count a piece of the body; returns its size in bytes."""
        size = len(message.get("body", b""))
        self._received += size
        self._body_complete = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return size

    async def _linger(self) -> None:
        """Read and discard the rest of the body, within the limits."""
        if not self._lingering.free:
            return
        deadline, discarded = time.monotonic() + LINGER_TIMEOUT, 0
        with self._lingering.hold():
            while not self._body_complete and discarded < LINGER_BYTES:
                try:
                    async with asyncio.timeout(min(LINGER_IDLE_TIMEOUT, deadline - time.monotonic())):
                        discarded += self._record_piece(await self._receive())
                except TimeoutError:
                    return


def framing_problem(headers: Headers, http_version: str) -> ProblemError | None:
    """The problem with the framing or encoding of a body; None if it is accepted."""
    if "transfer-encoding" in headers and ("content-length" in headers or http_version < "1.1"):
        return ProblemError(
            400,
            ProblemCode.BAD_REQUEST,
            "Transfer-Encoding with Content-Length, or in HTTP/1.0, leaves open how long the body is, and "
            "proxies differ in how they take it; send one of them, with HTTP/1.1.",
        )
    if any(coding.strip().lower() != "identity" for coding in headers.getlist("content-encoding")):
        return ProblemError(
            415,
            ProblemCode.UNSUPPORTED_MEDIA_TYPE,
            "The service does not unpack bodies; send this one without a Content-Encoding.",
            headers={"accept-encoding": "identity"},
        )
    return None


def _size_problem(headers: Mapping[str, str], limit: int | None) -> ProblemError | None:
    length = headers.get("content-length", "")
    if limit is not None and length.isdecimal() and int(length) > limit:
        return _body_too_large(limit)
    return None


def _body_too_large(limit: int) -> ProblemError:
    return ProblemError(
        413, ProblemCode.TOO_LARGE, f"A request body here may have {limit:,} bytes; this one has more."
    )


def _body_too_slow() -> ProblemError:
    return ProblemError(
        408,
        ProblemCode.TOO_SLOW,
        f"The request body came more slowly than {MIN_BYTES_PER_SECOND:,} bytes a second and was given up; "
        "send it again over a better connection.",
    )


def _with_connection_close(message: Message) -> Message:
    headers = MutableHeaders(raw=list(message["headers"]))
    headers["connection"] = "close"
    return {**message, "headers": headers.raw}
