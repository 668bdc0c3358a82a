"""A TCP proxy in the test's own event loop. It can drop all connections, or stall them without closing."""

import asyncio


class TcpGate:
    """Forwards connections to one address."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._open = False
        self.port = 0

    async def open(self) -> None:
        """Accept and forward connections, always on the same port."""
        self._flowing.set()
        self._open = True
        if self._server is None:
            self._server = await asyncio.start_server(self._on_accept, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop the proxy, after its clients: asyncio leaks a connection that is being accepted."""
        await self.drop_all()
        if self._server is not None:
            self._server.close()

    async def drop_all(self) -> None:
        """Abort all connections, and each new one as soon as it is accepted."""
        self._open = False
        for task in self._tasks:
            task.cancel()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stall(self) -> None:
        """Keep all connections open and forward nothing."""
        self._flowing.clear()

    async def _on_accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        if not self._open:
            writer.transport.abort()
            server_writer.transport.abort()
            return
        self._writers |= {writer, server_writer}
        for source, target in ((reader, server_writer), (server_reader, writer)):
            task = asyncio.create_task(self._pump(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                await self._flowing.wait()
                target.write(data)
                await target.drain()
        except OSError:
            pass
        finally:
            target.close()
