"""One fork server and the socket to it: requests to fork and kill, reports about children."""

import asyncio
import itertools
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Self

import structlog

from consumer.fork_protocol import Reply, ReplyType, Request, RequestType
from consumer.worker.child_pipes import ChildPipes
from consumer.worker.fork_server_process import ForkServerError, ForkServerProcess
from consumer.worker.forked_process import ForkedProcess

log: structlog.stdlib.BoundLogger = structlog.get_logger("worker")

START_TIMEOUT_SECONDS = 60.0
"""For its imports, which take a second, or much longer on a machine that starts everything at once."""
FORK_TIMEOUT_SECONDS = 10.0
"""For a fork, which takes milliseconds. A server that does not reply in time is killed, and replaced."""


class ForkConnection:
    """A running fork server."""

    def __init__(
        self,
        process: ForkServerProcess,
        own_end: socket.socket,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._process = process
        self._socket = own_end
        self._replies, self._transport = streams
        self._ids = itertools.count(1)
        self._children: dict[int, ForkedProcess] = {}
        self._reader: asyncio.Task[None] | None = None
        self._closing = False
        self.is_lost = False

    @classmethod
    async def open(cls, environment: Mapping[str, str], on_lost: Callable[[], None]) -> Self:
        """Start a server and wait until it has imported everything; raises ForkServerError.

        `on_lost` is called once the server has ended, for whatever reason.
        """
        own_end, server_end = socket.socketpair()
        own_end.setblocking(False)
        with server_end:
            streams = await asyncio.open_unix_connection(sock=own_end)
            try:
                process = await ForkServerProcess.start(environment, server_end)
            except BaseException:
                streams[1].close()
                raise
        opened = cls(process, own_end, streams)
        try:
            await opened._wait_ready()
        except BaseException:
            process.kill()
            await opened.close()
            raise
        opened._reader = asyncio.create_task(opened._read_replies(on_lost))
        return opened

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    async def fork(self, pipes: ChildPipes, memory_bytes: int, cpu_seconds: int) -> ForkedProcess:
        """Fork a child with these pipes and limits. It exits by itself if the pipes are closed before START.

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
            self._process.kill()
            raise ForkServerError("The process that forks readers of sources does not reply.") from None
        if reply.type is ReplyType.REFUSED:
            raise ForkServerError(
                f"The service cannot start the process that reads a source ({reply.reason}): "
                "see its limits of processes, memory and open files."
            )
        return child

    async def close(self) -> None:
        """End the server and its children."""
        self._closing = True
        self._transport.close()  # which ends the reader too
        if self._reader is not None:
            await self._reader
        else:
            await self._end()

    async def _wait_ready(self) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                if await self._next_reply() is not None:
                    return
                reason = (await self._process.last_error_line()).rstrip(".")
        except TimeoutError:
            reason = f"it was not ready within {START_TIMEOUT_SECONDS:g} s"
        raise ForkServerError(
            f"The service cannot start the process that forks readers of sources: {reason}."
        )

    async def _read_replies(self, on_lost: Callable[[], None]) -> None:
        """Pass reports on to the children until the server has ended."""
        try:
            while (reply := await self._next_reply()) is not None:
                if child := self._children.get(reply.child_id):
                    child.on_reply(reply)
                    if reply.type is not ReplyType.STARTED:
                        del self._children[reply.child_id]
        finally:
            await self._end()
            on_lost()

    async def _next_reply(self) -> Reply | None:
        """The next report; None once the server has ended."""
        with suppress(ConnectionError):
            if line := await self._replies.readline():
                return Reply.decode(line)
        return None

    async def _end(self) -> None:
        """Report the end to the children, which end with the server, and reap it."""
        self.is_lost = True
        self._transport.close()
        children = list(self._children.values())
        self._children.clear()
        for child in children:
            child.on_reply(None)
        exit_code = await self._process.reap()
        if not self._closing:
            log.error(
                "fork_server.lost",
                pid=self.pid,
                exit_code=exit_code,
                children=len(children),
                stderr_tail=self._process.stderr_tail[-500:],
            )

    def _send(self, request: Request, descriptors: Sequence[int] = ()) -> None:
        """Send a request.

        It is not sent if the server has ended, or reads no requests: then its end is reported, or no report
        comes in time.
        """
        with suppress(OSError):
            socket.send_fds(self._socket, [request.encode()], list(descriptors))
