"""A TCP proxy that a test can cut, silence, slow down and heal while it runs, in a thread of its own."""

import asyncio
import contextlib
import math
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Self, TypeVar

T = TypeVar("T")

HOST = "127.0.0.1"
CHUNK_BYTES = 64 * 1024
LIMIT_SECONDS = 20
LINGER_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: a close that does not wait is a reset."""

UP, DOWN = "up", "down"
"""From who connected to the server, and back."""
BOTH = (UP, DOWN)


class Direction:
    """How things are in one direction."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.blackholed = False
        self.delay_seconds = 0.0
        self.bytes_per_second = math.inf

    async def admit(self, size: int) -> bool:
        """Wait as long as so many bytes take; whether they arrive."""
        await asyncio.sleep(self.delay_seconds + size / self.bytes_per_second)
        await self.open.wait()
        return not self.blackholed


class ProxyConnection:
    """One client and its connection to the server."""

    def __init__(self, proxy: "TcpProxy", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._server: asyncio.StreamWriter | None = None
        self.blackholed = False

    async def run(self) -> None:
        """Carry bytes both ways until both sides have ended, or one of them broke."""
        try:
            await self._proxy.directions[UP].open.wait()
            server, self._server = await asyncio.open_connection(HOST, self._proxy.target)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(UP, self._reader, self._server))
                group.create_task(self._pump(DOWN, server, self._writer))
        except* OSError:
            pass
        finally:
            self.reset()

    async def _pump(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = self._proxy.directions[name]
        while piece := await reader.read(CHUNK_BYTES):
            if (
                await way.admit(len(piece))
                and not self.blackholed
                and (passed := self.filter_chunk(name, piece))
            ):
                writer.write(passed)
                await writer.drain()
        await way.open.wait()  # who went away in silence is not missed before the silence ends
        if writer.can_write_eof():
            writer.write_eof()

    def filter_chunk(self, direction: str, chunk: bytes) -> bytes:
        """What goes on of a piece."""
        return chunk

    def reset(self) -> None:
        """End both sides at once, without a word."""
        for writer in (self._writer, self._server):
            if writer is not None:
                with contextlib.suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET
                    )
                writer.transport.abort()


class TcpProxy:
    """Between clients and the server at port `target`; clients connect to `port`.

    Every method may be called from any thread, and has happened when it returns.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.connections: set[ProxyConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # Keeps the port also while no server listens on it.
        self._reserved_socket = _bind(0)
        self.port = int(self._reserved_socket.getsockname()[1])
        self._listener: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy {self.port}", daemon=True)
        self._thread.start()
        self._run_in_loop(self._start)

    async def _start(self) -> None:
        self.directions = {name: Direction() for name in BOTH}
        await self._listen()

    # --- what a test does -----------------------------------------------------------------------------

    def heal(self) -> None:
        """All is well again; connections that lost bytes are reset, since nothing can mend them."""
        self._run_in_loop(self._heal)

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._run_in_loop(self._cut)

    def reset(self) -> None:
        """Reset every connection; new ones are welcome."""
        self._run_in_loop(self._reset)

    def refuse(self) -> None:
        """Refuse new connections; existing ones continue."""
        self._run_in_loop(self._refuse)

    def stall(self, directions: Iterable[str] = BOTH) -> None:
        """Accept connections and hold all bytes, as a network that was cut does: they arrive after `heal`."""
        self._run_in_loop(lambda: self._for_directions(directions, lambda way: way.open.clear()))

    def blackhole(self, directions: Iterable[str] = BOTH) -> None:
        """Take all bytes and pass none on."""
        self._run_in_loop(
            lambda: self._for_directions(directions, lambda way: setattr(way, "blackholed", True))
        )

    def blackhole_existing(self) -> None:
        """Drop all bytes of existing connections, for good; new connections work."""
        self._run_in_loop(self._blackhole_existing)

    def delay(self, milliseconds: float, directions: Iterable[str] = BOTH) -> None:
        """Have every piece arrive later."""
        self._run_in_loop(
            lambda: self._for_directions(
                directions, lambda way: setattr(way, "delay_seconds", milliseconds / 1000)
            )
        )

    def throttle(self, bytes_per_second: float, directions: Iterable[str] = BOTH) -> None:
        """Let so much through of each connection."""
        self._run_in_loop(
            lambda: self._for_directions(
                directions, lambda way: setattr(way, "bytes_per_second", bytes_per_second)
            )
        )

    def close(self) -> None:
        """End everything."""
        self._run_in_loop(self._stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT_SECONDS)
        self._loop.close()
        self._reserved_socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- in the loop ----------------------------------------------------------------------------------

    def _run_in_loop(self, work: Callable[[], object]) -> None:
        async def done() -> None:
            if asyncio.iscoroutine(waiting := work()):
                await waiting

        asyncio.run_coroutine_threadsafe(done(), self._loop).result(LIMIT_SECONDS)

    def _for_directions(self, directions: Iterable[str], change: Callable[[Direction], None]) -> None:
        for name in directions:
            change(self.directions[name])

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._on_accept, sock=_bind(self.port))

    async def _refuse(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()  # not awaited: that would wait for existing connections

    async def _cut(self) -> None:
        await self._refuse()
        await self._reset()

    def _blackhole_existing(self) -> None:
        for connection in self.connections:
            connection.blackholed = True

    async def _reset(self) -> None:
        for connection in list(self.connections):
            connection.reset()
        if self._tasks:
            for task in self._tasks:
                task.cancel()  # one may be held where it does not notice
            await asyncio.wait(self._tasks)

    async def _heal(self) -> None:
        lost = any(way.blackholed for way in self.directions.values())
        for way in self.directions.values():
            way.open.set()
            way.blackholed, way.delay_seconds, way.bytes_per_second = False, 0.0, math.inf
        if lost:
            await self._reset()
        await self._listen()

    async def _stop(self) -> None:
        await self._cut()

    def make_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> ProxyConnection:
        """A connection as this proxy has them."""
        return ProxyConnection(self, reader, writer)

    async def _on_accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection, task = self.make_connection(reader, writer), asyncio.current_task()
        assert task is not None
        self.connections.add(connection)
        self._tasks.add(task)
        try:
            with contextlib.suppress(asyncio.CancelledError):  # only ever by `_reset`
                await connection.run()
        finally:
            self.connections.discard(connection)
            self._tasks.discard(task)


def _bind(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((HOST, port))
    return bound


@contextmanager
def healed_after(proxies: Iterable[TcpProxy]) -> Iterator[None]:
    """Whatever is done to them within is healed afterwards."""
    proxies = list(proxies)
    try:
        yield
    finally:
        for proxy in proxies:
            proxy.heal()
