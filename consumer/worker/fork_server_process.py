"""Starts the process of a fork server, kills and reaps it."""

import asyncio
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from consumer.errors import InternalOutageError
from consumer.worker.stderr_tail import StderrTail

SERVER_MODULE = "consumer.extract.fork_server"
EXIT_TIMEOUT_SECONDS = 5.0


class ForkServerError(InternalOutageError):
    """The fork server cannot be started, does not reply, or refuses to fork."""


class ForkServerProcess:
    """The process of a fork server, in a session of its own: signals of a terminal are for the service."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101
        self._process = process
        self._stderr = StderrTail(process.stderr)

    @classmethod
    async def start(cls, environment: Mapping[str, str], server_end: socket.socket) -> Self:
        """Start a process with this end of the socket as its standard input; raises ForkServerError."""
        if not hasattr(os, "fork"):
            raise ForkServerError("This system cannot fork a process: run the service on Linux or macOS.")
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", SERVER_MODULE, str(os.getpid())),
                stdin=server_end.fileno(),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=dict(environment),
                start_new_session=True,
            )
        except OSError as error:
            raise ForkServerError(
                f"The service cannot start the process that forks readers of sources ({error.strerror}): "
                "see its limits of processes, memory and open files."
            ) from None
        return cls(process)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def stderr_tail(self) -> str:
        """End of its standard error so far."""
        return self._stderr.text

    async def last_error_line(self) -> str:
        """The last line of the standard error of a process that ends."""
        await self._stderr.wait_closed()
        return self.stderr_tail.strip().rpartition("\n")[2] or "it ended without an error message"

    def kill(self) -> None:
        """Kill it; the kernel kills its children with it."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def reap(self) -> int | None:
        """Wait for its end, kill it if it takes long; returns its exit code, None if it does not end."""
        for _ in range(2):
            with suppress(TimeoutError):
                async with asyncio.timeout(EXIT_TIMEOUT_SECONDS):
                    return await self._process.wait()
            self.kill()
        return None
