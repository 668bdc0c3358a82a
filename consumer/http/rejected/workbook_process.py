"""Starts the process that writes a workbook of rejected rows, sends it frames, and reaps it."""

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

import structlog

from consumer.rejected_file.writer_protocol import WRITER_MODULE

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

EXIT_TIMEOUT_SECONDS = 60.0
"""To compress the last rows and end, on a busy machine."""
KILL_TIMEOUT_SECONDS = 10.0
STDERR_TAIL_BYTES = 4_000


class WorkbookProcess:
    """One writer. Its output and errors go to files without a name: whoever dies, nothing is left behind."""

    def __init__(self, process: asyncio.subprocess.Process, errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors

    @classmethod
    async def start(cls, environment: Mapping[str, str], temp_dir: Path, output: IO[bytes]) -> Self:
        """Start a writer to `output`, which waits for its START frame; raises OSError."""
        errors = tempfile.TemporaryFile(dir=temp_dir)  # noqa: SIM115  closed by `close`
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", WRITER_MODULE),
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=errors,
                env=dict(environment),
            )
        except BaseException:
            errors.close()
            raise
        return cls(process, errors)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    async def send(self, frame: bytes) -> None:
        """Send a frame; waits while the pipe is full. Of a process that has ended the exit code says more."""
        stream = self._process.stdin
        assert stream is not None  # noqa: S101
        try:
            stream.write(frame)
            await stream.drain()
        except ConnectionError:
            return

    async def exit_code(self) -> int:
        """Wait for the end of a process that has got its last frame; raises TimeoutError."""
        async with asyncio.timeout(EXIT_TIMEOUT_SECONDS):
            return await self._process.wait()

    def stderr_tail(self) -> str:
        """The end of its standard error."""
        size = self._errors.seek(0, 2)
        self._errors.seek(max(size - STDERR_TAIL_BYTES, 0))
        return self._errors.read().decode(errors="replace")

    async def close(self) -> None:
        """Kill the process if it still runs, reap it, and release its files."""
        if self._process.returncode is None:
            self._process.kill()
        try:
            async with asyncio.timeout(KILL_TIMEOUT_SECONDS):
                await self._process.wait()
        except TimeoutError:
            log.error("child.unkillable", pid=self.pid)
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._errors.close()
