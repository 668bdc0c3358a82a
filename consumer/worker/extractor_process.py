"""The extracting child as the worker sees it: started, spoken to in frames, killed."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from consumer.errors import InternalOutageError
from consumer.ipc import PREFIX, FrameType, ProtocolError, decode_child_prefix, encode_frame
from consumer.worker.log import log

PIPE_BUFFER_BYTES = 1 << 20
"""What the event loop takes from the pipe before it stops reading."""
STDERR_TAIL_BYTES = 4_000
"""How much of the child's last words on stderr is kept."""
REAP_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame from the child."""

    type: FrameType
    header: dict[str, Any]
    body: bytes


class ExtractorProcess:
    """One child process. It reads its orders from stdin and answers on stdout; its own limits are its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._stderr_tail = b""
        self._stderr_task = asyncio.create_task(self._capture_stderr())

    @classmethod
    async def start(cls, environment: Mapping[str, str]) -> Self:
        """Start a child; it does nothing until it has its orders. Raises InternalOutageError where none can be."""
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", "consumer.extract")
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=pipe, limit=PIPE_BUFFER_BYTES, env=dict(environment)
            )
        except OSError as error:
            raise InternalOutageError(
                f"The service cannot start the process that reads a source ({error.strerror}): "
                "see its limits of processes, memory and open files."
            ) from None
        return cls(process)

    async def send_start(self, parameters: Mapping[str, Any], rejected_positions: bytes = b"") -> None:
        """Hand the child its orders, and the positions it need not look at any more.

        Credentials travel here and nowhere else.
        """
        await self._send(encode_frame(FrameType.START, dict(parameters), rejected_positions))

    @property
    def pid(self) -> int:
        """The process id, for logs."""
        return self._process.pid

    @property
    def stderr_tail(self) -> str:
        """The child's last words on stderr."""
        return self._stderr_tail.decode(errors="replace")

    async def send_credit(self, *, batches: int = 0, tokens: int = 0) -> None:
        """Allow the child to send so many batches more, or to make so many calls."""
        await self._send(encode_frame(FrameType.CREDIT, {"batches": batches, "tokens": tokens}))

    async def frames(self) -> AsyncIterator[Frame]:
        """What the child says, until it closes the pipe.

        Raises ProtocolError where it stops in mid-word, and FrameTooLarge.
        """
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
            kind, head, body = decode_child_prefix(prefix)
            return Frame(kind, json.loads(await stream.readexactly(head)), await stream.readexactly(body))
        except asyncio.IncompleteReadError:
            raise ProtocolError("the child stopped in the middle of a frame") from None

    async def exit_code(self) -> int:
        """Wait for the end of a child that has said its last word; negative is a signal's number."""
        try:
            return await self._reap()
        except TimeoutError:
            self._process.kill()
            return await self._reap()

    async def kill(self) -> None:
        """End the child whatever it is doing, and reap it. Nobody may be reading its frames any more."""
        if self._process.returncode is None:
            self._process.kill()
        try:
            await self._reap()
        except TimeoutError:
            log.error("child.unkillable", pid=self.pid)
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def _reap(self) -> int:
        """asyncio tells the end of a process only when its pipes were read to theirs."""
        async with asyncio.timeout(REAP_TIMEOUT_SECONDS):
            await self._discard_rest()
            await asyncio.shield(self._stderr_task)
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
            return  # it died: its exit code says more than this

    async def _capture_stderr(self) -> None:
        stream = self._process.stderr
        assert stream is not None  # noqa: S101
        while words := await stream.read(STDERR_TAIL_BYTES):
            self._stderr_tail = (self._stderr_tail + words)[-STDERR_TAIL_BYTES:]
