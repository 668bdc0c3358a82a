"""Handles requests of the service: forks children, kills them, and reports how they ended."""

import os
import selectors
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from consumer.extract.fork_server.cold import WarmError, require_cold
from consumer.fork_protocol import PIPES_OF_A_CHILD, REQUEST_BYTES, Reply, ReplyType, Request, RequestType

WAKEUP_BYTES = 4096


@dataclass(frozen=True, slots=True)
class ForkedChild:
    """What a forked process is to become: `pipes` are its standard input, output and error."""

    request: Request
    pipes: Sequence[int]
    server_pid: int


class Server:
    """The loop of the fork server. It has one thread and handles one event after another."""

    def __init__(self, service: socket.socket) -> None:
        self._service = service
        self._pids: dict[int, int] = {}
        """By child id. A child is in here until it is reaped, so that its pid is not used again meanwhile."""

    def serve(self) -> ForkedChild | None:
        """Serve until the service closes its end of the socket; then all children are killed.

        In a forked child this function returns too, with what the child is to become: the server's loop and
        its files are closed behind it.
        """
        with _child_exits() as exits, selectors.DefaultSelector() as selector:
            selector.register(self._service, selectors.EVENT_READ)
            selector.register(exits, selectors.EVENT_READ)
            self._reply(Reply(ReplyType.READY))
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if exits in ready:
                    exits.recv(WAKEUP_BYTES)
                    self._reap()
                if self._service in ready:
                    received = self._receive()
                    if received is None:
                        self._kill_all()
                        return None
                    if child := self._handle(*received):
                        return child

    def _receive(self) -> tuple[Request, Sequence[int]] | None:
        """The next request with its descriptors; None once the service has ended."""
        try:
            message, descriptors, _, _ = socket.recv_fds(self._service, REQUEST_BYTES, PIPES_OF_A_CHILD)
        except ConnectionError:
            return None
        return (Request.decode(message), descriptors) if message else None

    def _handle(self, request: Request, pipes: Sequence[int]) -> ForkedChild | None:
        match request.type:
            case RequestType.FORK:
                return self._fork(request, pipes)
            case RequestType.KILL:
                self._kill(request.child_id)
        return None

    def _fork(self, request: Request, pipes: Sequence[int]) -> ForkedChild | None:
        """Fork; returns None in the server."""
        server_pid = os.getpid()
        try:
            require_cold()
            pid = os.fork()
        except (WarmError, OSError) as error:
            self._reply(Reply(ReplyType.REFUSED, request.child_id, reason=_describe(error)))
        else:
            if pid == 0:
                return ForkedChild(request, pipes, server_pid)
            self._pids[request.child_id] = pid
            self._reply(Reply(ReplyType.STARTED, request.child_id, pid))
        for descriptor in pipes:
            os.close(descriptor)
        return None

    def _kill(self, child_id: int) -> None:
        if child_id in self._pids:  # else it has ended, and its pid may be that of another process
            os.kill(self._pids[child_id], signal.SIGKILL)

    def _kill_all(self) -> None:
        """Kill and reap all children: init would reap them later, or never."""
        for pid in self._pids.values():
            os.kill(pid, signal.SIGKILL)
        for pid in self._pids.values():
            os.waitpid(pid, 0)

    def _reap(self) -> None:
        for child_id, pid in list(self._pids.items()):
            reaped, status = os.waitpid(pid, os.WNOHANG)
            if reaped:
                del self._pids[child_id]
                self._reply(Reply(ReplyType.ENDED, child_id, os.waitstatus_to_exitcode(status)))

    def _reply(self, reply: Reply) -> None:
        try:
            self._service.sendall(reply.encode())
        except ConnectionError:
            return  # the service has ended: the next request is its end of the socket


def _describe(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


@contextmanager
def _child_exits() -> Iterator[socket.socket]:
    """A socket that can be read whenever a child has ended."""
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # with the default handler nothing is written
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
