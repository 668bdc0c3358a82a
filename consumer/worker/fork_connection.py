"""One fork server process and the socket to it."""

import asyncio
import itertools
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Self

import structlog

from consumer.errors import InternalOutageError
from consumer.fork_protocol import Reply, ReplyType, Request, RequestType
from consumer.worker.child_pipes import ChildPipes
from consumer.worker.forked_process import ForkedProcess
from consumer.worker.stderr_tail import StderrTail

log: structlog.stdlib.BoundLogger = structlog.get_logger("worker")

SERVER_MODULE = "consumer.extract.fork_server"
START_TIMEOUT_SECONDS = 60.0
"""For its imports, which take a second, or much longer on a machine that starts everything at once."""
FORK_TIMEOUT_SECONDS = 10.0
"""For a fork, which takes milliseconds. A server that does not reply in time is killed, and replaced."""
EXIT_TIMEOUT_SECONDS = 5.0


class ForkServerError(InternalOutageError):
    """The fork server cannot be started, does not reply, or refuses to fork."""


class ForkConnection:
    """A running fork server. `on_lost` is called once it has ended, for whatever reason."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        own_end: socket.socket,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        assert process.stderr is not None  # noqa: S101
        self._process = process
        self._socket = own_end
        self._replies, self._transport = streams
        self._stderr = StderrTail(process.stderr)
        self._ids = itertools.count(1)
        self._children: dict[int, ForkedProcess] = {}
        self._reading: asyncio.Task[None] | None = None
        self._is_closing = False
        self.is_lost = False

    @classmethod
    async def open(cls, environment: Mapping[str, str], on_lost: Callable[[], None]) -> Self:
        """Start a server and wait until it has imported everything; raises ForkServerError."""
        if not hasattr(os, "fork"):
            raise ForkServerError("This system cannot fork a process: run the service on Linux or macOS.")
        own_end, server_end = socket.socketpair()
        own_end.setblocking(False)
        streams = await asyncio.open_unix_connection(sock=own_end)
        try:
            with server_end:
                process = await _start_process(environment, server_end)
        except BaseException:
            streams[1].close()
            raise
        connection = cls(process, own_end, streams)
        try:
            await connection._wait_ready()
        except BaseException:
            connection._kill_server()
            await connection.close()
            raise
        connection._reading = asyncio.create_task(connection._read_replies(on_lost))
        return connection

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    async def fork(self, pipes: ChildPipes, memory_bytes: int, cpu_seconds: int) -> ForkedProcess:
        """Fork a child with these pipes and limits.

        Raises ForkServerError, and ForkServerLostError if the server has ended.
        """
        child_id = next(self._ids)
        child = ForkedProcess(pipes, lambda: self._send(Request(RequestType.KILL, child_id)))
        self._children[child_id] = child
        self._send(Request(RequestType.FORK, child_id, memory_bytes, cpu_seconds), pipes.child_ends)
        try:
            async with asyncio.timeout(FORK_TIMEOUT_SECONDS):
                reply = await child.wait_started()
        except TimeoutError:
            self._kill_server()
            raise ForkServerError("The process that forks readers of sources does not reply.") from None
        except asyncio.CancelledError:
            child.kill()
            raise
        if reply.type is ReplyType.REFUSED:
            raise ForkServerError(
                f"The service cannot start the process that reads a source ({reply.reason}): "
                "see its limits of processes, memory and open files."
            )
        return child

    async def close(self) -> None:
        """End the server and its children."""
        self._is_closing = True
        self._transport.close()  # which ends the reading too
        if self._reading is not None:
            await self._reading
        else:
            await self._end()

    async def _wait_ready(self) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                if await self._next_reply() is not None:
                    return
                await self._stderr.wait_closed()
            reason = self._stderr.text.strip().rpartition("\n")[2] or "it ended without an error message"
        except TimeoutError:
            reason = f"it was not ready within {START_TIMEOUT_SECONDS:g} s"
        raise ForkServerError(
            f"The service cannot start the process that forks readers of sources: {reason}."
        )

    async def _read_replies(self, on_lost: Callable[[], None]) -> None:
        """Pass reports on to the children until the server has ended."""
        while (reply := await self._next_reply()) is not None:
            if child := self._children.get(reply.child_id):
                child.on_reply(reply)
                if reply.type is not ReplyType.STARTED:
                    del self._children[reply.child_id]
        await self._end()
        on_lost()

    async def _next_reply(self) -> Reply | None:
        """The next report; None once the server has ended."""
        with suppress(ConnectionError):
            if line := await self._replies.readline():
                return Reply.decode(line)
        return None

    async def _end(self) -> None:
        """Tell the children, and reap the server."""
        self.is_lost = True
        self._transport.close()
        children = len(self._children)
        while self._children:
            self._children.popitem()[1].on_reply(None)
        try:
            async with asyncio.timeout(EXIT_TIMEOUT_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._kill_server()
        exit_code = await self._process.wait()
        if not self._is_closing:
            log.error(
                "fork_server.lost",
                pid=self.pid,
                exit_code=exit_code,
                children=children,
                stderr_tail=self._stderr.text[-500:],
            )

    def _kill_server(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    def _send(self, request: Request, descriptors: Sequence[int] = ()) -> None:
        """Send a request.

        It is not sent if the server has ended, or reads no requests: then no report comes, and its timeout
        or the end of the server is what the caller notices.
        """
        with suppress(OSError):
            socket.send_fds(self._socket, [request.encode()], list(descriptors))


async def _start_process(
    environment: Mapping[str, str], server_end: socket.socket
) -> asyncio.subprocess.Process:
    """A process in a session of its own, since signals of a terminal are for the service alone."""
    null, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    command = (sys.executable, "-m", SERVER_MODULE, str(os.getpid()))
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=server_end,
            stdout=null,
            stderr=pipe,
            env=dict(environment),
            start_new_session=True,
        )
    except OSError as error:
        raise ForkServerError(
            f"The service cannot start the process that forks readers of sources ({error.strerror}): "
            "see its limits of processes, memory and open files."
        ) from None
