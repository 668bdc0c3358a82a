"""The pipes to a child: the service's ends as streams of asyncio, the child's ends as descriptors."""

import asyncio
import os
from contextlib import ExitStack
from typing import Self

from consumer.ipc import PIPE_BUFFER_BYTES


class ChildPipes:
    """Standard input, output and error of a child that is still to be started."""

    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader

    def __init__(self) -> None:
        self.child_ends: list[int] = []
        """Standard input, output and error of the child, in this order."""
        self._own_ends = ExitStack()

    @classmethod
    async def open(cls) -> Self:
        """Open the pipes; raises OSError."""
        pipes = cls()
        try:
            pipes.stdin = await pipes._open_writer()
            pipes.stdout = await pipes._open_reader()
            pipes.stderr = await pipes._open_reader()
        except BaseException:
            pipes.close()
            raise
        return pipes

    def close_child_ends(self) -> None:
        """Close the child's ends, as soon as it has its own."""
        while self.child_ends:
            os.close(self.child_ends.pop())

    def close(self) -> None:
        """Close both ends, because no child was started."""
        self.close_child_ends()
        self._own_ends.close()

    async def _open_writer(self) -> asyncio.StreamWriter:
        child_end, own_end = os.pipe()
        self.child_ends.append(child_end)
        loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader())
        transport, _ = await loop.connect_write_pipe(lambda: protocol, os.fdopen(own_end, "wb", buffering=0))
        self._own_ends.callback(transport.close)
        return asyncio.StreamWriter(transport, protocol, None, loop)

    async def _open_reader(self) -> asyncio.StreamReader:
        own_end, child_end = os.pipe()
        self.child_ends.append(child_end)
        reader = asyncio.StreamReader(limit=PIPE_BUFFER_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(own_end, "rb", buffering=0))
        self._own_ends.callback(transport.close)
        return reader
