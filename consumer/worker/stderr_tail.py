"""Reads the standard error of a process, and keeps its end for the log."""

import asyncio

STDERR_TAIL_BYTES = 4_000


class StderrTail:
    """The last STDERR_TAIL_BYTES of a stream, which is read until it ends."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream
        self._tail = b""
        self._task = asyncio.create_task(self._read())

    @property
    def text(self) -> str:
        """What was written so far."""
        return self._tail.decode(errors="replace")

    async def wait_closed(self) -> None:
        """Wait until every process that can write to the stream has closed it."""
        await asyncio.shield(self._task)

    async def _read(self) -> None:
        while part := await self._stream.read(STDERR_TAIL_BYTES):
            self._tail = (self._tail + part)[-STDERR_TAIL_BYTES:]
