"""Has an extractor forked, exchanges frames with it, kills it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Self

import structlog

from consumer.ipc import (
    PIPE_BUFFER_BYTES,
    PREFIX,
    Frame,
    FrameType,
    ProtocolError,
    decode_child_prefix,
    encode_frame,
)
from consumer.worker.fork_server import ForkServer
from consumer.worker.forked_process import ForkedProcess, ForkServerLostError
from consumer.worker.stderr_tail import StderrTail

log: structlog.stdlib.BoundLogger = structlog.get_logger("worker")

REAP_TIMEOUT_SECONDS = 10.0


class ExtractorProcess:
    """One child process: frames on stdin and stdout. It limits itself."""

    def __init__(self, process: ForkedProcess | asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101
        self._process = process
        self._stderr = StderrTail(process.stderr)

    @classmethod
    async def start(cls, fork_server: ForkServer, *, memory_bytes: int, cpu_seconds: int) -> Self:
        """Fork a process, which waits for its START frame; raises InternalOutageError if that fails."""
        return cls(await fork_server.fork(memory_bytes, cpu_seconds))

    async def send_start(self, parameters: Mapping[str, Any], rejected_positions: bytes = b"") -> None:
        """Send the START frame. Credentials are passed to the extractor in it, and in no other way."""
        await self._send(encode_frame(FrameType.START, dict(parameters), rejected_positions))

    async def send_corrected_rows(self, lines: bytes, *, last: bool) -> None:
        """Send rejected rows of the corrected job to the extractor of a correction, after `send_start`."""
        await self._send(encode_frame(FrameType.CORRECTED_ROWS, {"last": last}, lines))

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def stderr_tail(self) -> str:
        """End of the standard error so far."""
        return self._stderr.text

    async def send_credit(self, *, batches: int = 0, tokens: int = 0) -> None:
        """Allow the extractor this many more batches, and this many calls of its API."""
        await self._send(encode_frame(FrameType.CREDIT, {"batches": batches, "tokens": tokens}))

    async def frames(self) -> AsyncIterator[Frame]:
        """Frames until the extractor closes the pipe; raises ProtocolError and FrameTooLargeError."""
        while (frame := await self._read_frame()) is not None:
            yield frame

    async def _read_frame(self) -> Frame | None:
        stream = self._process.stdout
        assert stream is not None  # noqa: S101
        prefix = await stream.read(1)
        if not prefix:
            return None
        try:
            prefix += await stream.readexactly(PREFIX.size - 1)
            type_, head, body = decode_child_prefix(prefix)
            return Frame(type_, json.loads(await stream.readexactly(head)), await stream.readexactly(body))
        except asyncio.IncompleteReadError:
            raise ProtocolError("the pipe ended in the middle of a frame") from None

    async def exit_code(self) -> int:
        """Wait for the end of an extractor that has closed its pipe; negative: the number of a signal.

        Raises ForkServerLostError if it ended with the fork server.
        """
        try:
            return await self._reap()
        except TimeoutError:
            self._process.kill()
            return await self._reap()

    async def kill(self) -> None:
        """Kill and reap the process. No task may be reading its frames."""
        if self._process.returncode is None:
            self._process.kill()
        if self._process.stdin is not None:  # where nothing else ends it: it exits at the end of its input
            self._process.stdin.close()
        try:
            with suppress(ForkServerLostError):  # the kernel kills it with the server
                await self._reap()
        except TimeoutError:
            log.error("child.unkillable", pid=self.pid)

    async def _reap(self) -> int:
        """Wait for the process, and read its pipes to the end."""
        async with asyncio.timeout(REAP_TIMEOUT_SECONDS):
            await self._discard_rest()
            await self._stderr.wait_closed()
            return await self._process.wait()

    async def _discard_rest(self) -> None:
        stream = self._process.stdout
        assert stream is not None  # noqa: S101
        while await stream.read(PIPE_BUFFER_BYTES):
            pass

    async def _send(self, frame: bytes) -> None:
        stream = self._process.stdin
        assert stream is not None  # noqa: S101
        try:
            stream.write(frame)
            await stream.drain()
        except ConnectionError:
            return  # the process has ended: its exit code is more specific
