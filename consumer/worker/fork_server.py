"""Keeps the fork server of this replica running, and has it fork."""

import asyncio
from collections.abc import Mapping

import structlog

from consumer.worker.child_pipes import ChildPipes
from consumer.worker.fork_connection import ForkConnection
from consumer.worker.fork_server_process import ForkServerError
from consumer.worker.forked_process import ForkedProcess, ForkServerLostError

log: structlog.stdlib.BoundLogger = structlog.get_logger("worker")

MAX_FORK_TRIES = 2
"""With a second server, if the first ends just then."""


class ForkServer:
    """Starts a server on first use or by `start`, and another one whenever it has ended.

    `environment` is the whole environment of the server and so of its children. Use it from the main thread:
    the server ends with the thread that started it.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._server: ForkConnection | None = None
        self._starting = asyncio.Lock()
        self._restart: asyncio.Task[None] | None = None
        self._closed = False

    async def start(self) -> None:
        """Wait until a server runs; raises ForkServerError."""
        await self._running()

    async def fork(self, memory_bytes: int, cpu_seconds: int) -> ForkedProcess:
        """Fork an extractor with limits of memory and processor time; waits for a server that is starting.

        Raises ForkServerError.
        """
        try:
            pipes = await ChildPipes.open()
        except OSError as error:
            raise ForkServerError(
                f"The service cannot open pipes to the process that reads a source ({error.strerror}): "
                "see its limit of open files."
            ) from None
        try:
            child = await self._fork(pipes, memory_bytes, cpu_seconds)
        except BaseException:
            pipes.close()
            raise
        pipes.close_child_ends()
        return child

    async def close(self) -> None:
        """End the server and its children."""
        self._closed = True
        if self._restart is not None:
            self._restart.cancel()
            await asyncio.wait({self._restart})
        async with self._starting:
            if self._server is not None:
                await self._server.close()

    async def _fork(self, pipes: ChildPipes, memory_bytes: int, cpu_seconds: int) -> ForkedProcess:
        for _ in range(MAX_FORK_TRIES):
            server = await self._running()
            try:
                return await server.fork(pipes, memory_bytes, cpu_seconds)
            except ForkServerLostError:
                continue
        raise ForkServerError("The process that forks readers of sources ends again and again.")

    async def _running(self) -> ForkConnection:
        async with self._starting:
            if self._server is None or self._server.is_lost:
                self._server = await ForkConnection.open(self._environment, self._on_lost)
                log.info("fork_server.started", pid=self._server.pid)
            return self._server

    def _on_lost(self) -> None:
        if not self._closed:
            self._restart = asyncio.create_task(self._start_again())

    async def _start_again(self) -> None:
        """Start another server ahead of the next job, which tries it once more if this fails."""
        try:
            await self._running()
        except ForkServerError as error:
            log.error("fork_server.unavailable", reason=error.message)
