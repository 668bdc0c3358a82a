"""Raw HTTP connections: a test controls every byte it sends."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A response, read to its Content-Length."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The code of a problem."""
        problem: dict[str, Any] = json.loads(self.body)
        return str(problem["code"])


class RawConnection:
    """One connection to the server under test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Write the data and wait until the buffer is drained."""
        self.writer.write(data)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await self.writer.drain()

    async def read_response(self) -> RawResponse:
        """The next response."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status_line, *lines = head.rstrip("\r\n").split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return RawResponse(int(status_line.split(" ")[1]), headers, body)

    async def read_until_closed(self) -> bytes:
        """Everything until the server closes the connection. Raises TimeoutError if it does not."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await self.reader.read()

    def reset(self) -> None:
        """Close the connection with a reset."""
        connection: socket.socket = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@asynccontextmanager
async def connect(port: int) -> AsyncIterator[RawConnection]:
    """A connection within the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.transport.abort()


def build_head(method: str, path: str, *lines: str, host: str = "localhost", version: str = "1.1") -> bytes:
    """The head of a request."""
    return "\r\n".join([f"{method} {path} HTTP/{version}", f"Host: {host}", *lines, "", ""]).encode("latin-1")
