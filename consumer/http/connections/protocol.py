"""uvicorn's protocol with limits on the number of connections and on time and size of request heads."""

import asyncio
from typing import ClassVar

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from consumer.http.connections.connection_limiter import ConnectionLimiter, ConnectionsFullError
from consumer.http.connections.incomplete_response import ResetIncompleteResponse
from consumer.http.headers import NO_STORE_HEADER, NOSNIFF_HEADER
from consumer.http.limits.limiters import LogBudget, Slots
from consumer.http.problem import ProblemError
from schemas.codes import ProblemCode

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

HEAD_TIMEOUT = 10.0
"""For the whole head, from the start of the connection; Apache's mod_reqtimeout allows 20 s, nginx 60 s."""
MAX_HEAD_BYTES = 32 * 1024
"""As nginx, which has four buffers of 8 KiB; the default of h11 is 16 KiB."""
REFUSAL_LINGER = 1.0
MAX_LINGERING_REFUSALS = 16
"""Refused connections that stay open for REFUSAL_LINGER seconds, so that a reset does not destroy the 503 on
its way. They need files beyond the limit of connections."""


def limited_protocol(limit: int) -> type[H11Protocol]:
    """The protocol class of a server with at most `limit` connections."""

    class LimitedProtocol(GuardedProtocol):
        limiter = ConnectionLimiter(limit)
        refusal_slots = Slots(MAX_LINGERING_REFUSALS)
        log_budget = LogBudget()

    return LimitedProtocol


class GuardedProtocol(H11Protocol):
    """uvicorn's protocol with limits. There is one instance per connection; shared state is on the class."""

    limiter: ClassVar[ConnectionLimiter["GuardedProtocol"]]
    refusal_slots: ClassVar[Slots]
    log_budget: ClassVar[LogBudget]

    _head_timer: asyncio.TimerHandle | None = None
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept the connection; at the limit, evict the one that has waited longest, or refuse this one."""
        super().connection_made(transport)
        self.app = ResetIncompleteResponse(self.app, transport)
        try:
            evicted = self.limiter.admit(self)
        except ConnectionsFullError:
            self._refuse()
            return
        if evicted is not None:
            self._log_full()
            evicted.evict()
        self._start_head_timer()

    def data_received(self, data: bytes) -> None:
        """Parse data, except on a refused connection."""
        if not self._refused:
            super().data_received(data)

    def handle_events(self) -> None:
        """Handle parsed events, then report whether the connection waits for a request."""
        super().handle_events()
        if self.conn.their_state is not h11.IDLE:
            self.limiter.mark_busy(self)
            self._cancel_head_timer()
            return
        self.limiter.mark_waiting(self)
        if self._head_timer is None and self._head_started():
            self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting the connection."""
        self._cancel_head_timer()
        self.limiter.remove(self)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer a request that cannot be parsed with a problem, unless a response has started."""
        self._send_problem(
            ProblemError(
                400,
                ProblemCode.BAD_REQUEST,
                f"{msg} Its head may have {MAX_HEAD_BYTES:,} bytes, all of them ASCII: other characters of "
                "an address are percent-encoded.",
            )
        )

    def evict(self) -> None:
        """Close a connection that waits for a request; sends 408 if part of the head has arrived.

        If the client has not read its last response yet, the connection is aborted: a close would wait for
        it.
        """
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            self.transport.abort()
            return
        if self._head_started():
            self._send_problem(_head_timeout_problem())
        else:
            self.transport.close()

    def _head_started(self) -> bool:
        return bool(self.conn.trailing_data[0])

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT, self._on_head_timeout)

    def _cancel_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _on_head_timeout(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self._send_problem(_head_timeout_problem())

    def _refuse(self) -> None:
        self._refused = True
        self._log_full()
        self.transport.write(serialize_problem(_too_many_connections_problem()))
        if self.refusal_slots.free:
            self.refusal_slots.acquire()
            self.transport.write_eof()
            self.loop.call_later(REFUSAL_LINGER, self._close_refused)
        else:
            self.transport.close()

    def _close_refused(self) -> None:
        self.refusal_slots.release()
        self.transport.abort()

    def _send_problem(self, problem: ProblemError) -> None:
        """Answer in place of the app, which sees a disconnect, and close the connection."""
        if self.conn.our_state in {h11.SEND_RESPONSE, h11.SEND_BODY}:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state is not h11.SEND_BODY:
            self.transport.write(serialize_problem(problem))
        self.transport.close()

    def _log_full(self) -> None:
        if (suppressed := self.log_budget.take()) is not None:
            log.warning("http.connections_full", limit=self.limiter.limit, suppressed=suppressed)


def serialize_problem(problem: ProblemError) -> bytes:
    """A problem as the bytes of a complete response with `Connection: close`."""
    response = problem.response()
    security = [(name.encode(), value.encode()) for name, value in (NOSNIFF_HEADER, NO_STORE_HEADER)]
    headers = [*response.raw_headers, *security, (b"connection", b"close")]
    status = f"HTTP/1.1 {problem.status} {problem.problem.title}\r\n".encode()
    return status + b"".join(b"%b: %b\r\n" % header for header in headers) + b"\r\n" + bytes(response.body)


def _head_timeout_problem() -> ProblemError:
    return ProblemError(
        408, ProblemCode.TOO_SLOW, f"The head of the request did not arrive within {HEAD_TIMEOUT:g} s."
    )


def _too_many_connections_problem() -> ProblemError:
    return ProblemError(
        503,
        ProblemCode.BUSY,
        "The service has as many connections as it takes; try again in a moment.",
        retry_after=1,
    )
