"""Servers of a few bytes, over real TCP: they say what a Postgres says that cannot be had here."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SSL_REQUEST = 80877103
PATIENCE_SECONDS = 20

Talk = Callable[[socket.socket], None]


@contextmanager
def serving(talk: Talk) -> Iterator[int]:
    """The port of a server that talks so to each who comes; at the end all are cut off."""
    lines: list[socket.socket] = []
    talks: list[threading.Thread] = []

    def one(line: socket.socket) -> None:
        with suppress(OSError):
            talk(line)

    def accept() -> None:
        with suppress(OSError):
            while True:
                line, _ = server.accept()
                line.settimeout(PATIENCE_SECONDS)
                lines.append(line)
                talks.append(threading.Thread(target=one, args=(line,)))
                talks[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield server.getsockname()[1]
        finally:
            cut(server)
            accepting.join()
            for line in lines:
                cut(line)
            for thread in talks:
                thread.join()
            for line in lines:
                line.close()


def cut(line: socket.socket) -> None:
    """End a line for both sides, whoever waits on it."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def take(line: socket.socket, size: int) -> bytes:
    """So many bytes; raises OSError where the other side is gone."""
    taken = b""
    while len(taken) < size:
        if not (more := line.recv(size - len(taken))):
            raise ConnectionError("gone")
        taken += more
    return taken


def start_up(line: socket.socket) -> dict[str, str]:
    """The parameters a client begins with; encryption is declined."""
    while True:
        length, code = struct.unpack("!ii", take(line, 8))
        body = take(line, length - 8)
        if code != SSL_REQUEST:
            words = body.decode().split("\0")
            return dict(zip(words[0::2], words[1::2], strict=False))
        line.sendall(b"N")


def message(kind: bytes, body: bytes) -> bytes:
    """One message of the protocol."""
    return kind + struct.pack("!i", len(body) + 4) + body


def said(line: socket.socket) -> tuple[bytes, bytes]:
    """One message of the client."""
    kind, length = struct.unpack("!ci", take(line, 5))
    return kind, take(line, length - 4)


def error(state: str, text: bytes = b"no") -> bytes:
    """A fatal error with a SQLSTATE."""
    return message(b"E", b"SFATAL\0VFATAL\0C" + state.encode() + b"\0M" + text + b"\0\0")


def refusing(state: str, text: bytes = b"no") -> Talk:
    """A server that lets nobody in."""

    def talk(line: socket.socket) -> None:
        start_up(line)
        line.sendall(error(state, text))
        cut(line)

    return talk


def silent(line: socket.socket) -> None:
    """Accept, and say nothing."""
    while line.recv(4096):
        pass


def encrypting(certificate: str, users: list[str]) -> Talk:
    """A server that encrypts with a certificate, takes note of who comes, and hangs up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def talk(line: socket.socket) -> None:
        take(line, 8)
        line.sendall(b"S")
        with context.wrap_socket(line.dup(), server_side=True) as secret:
            users.append(start_up(secret)["user"])
        cut(line)

    return talk


@dataclass
class Hearing:
    """A server that asks for a password in clear text, and keeps what it was told."""

    parameters: dict[str, str] = field(default_factory=dict)
    password: bytes | None = None

    def talk(self, line: socket.socket) -> None:
        """Ask, listen, refuse."""
        self.parameters = start_up(line)
        line.sendall(message(b"R", struct.pack("!i", 3)))
        _, body = said(line)
        self.password = body.rstrip(b"\0")
        line.sendall(error("28P01"))


class Relay:
    """A line to a real server that can be frozen: everything is swallowed from then on."""

    def __init__(self, dsn: str) -> None:
        parts = urlsplit(dsn)
        self._target = (parts.hostname, parts.port)
        self.frozen = threading.Event()

    def talk(self, line: socket.socket) -> None:
        """Hand on what either side says."""
        with socket.create_connection(self._target, PATIENCE_SECONDS) as server:
            back = threading.Thread(target=self._hand_on, args=(server, line))
            back.start()
            try:
                self._hand_on(line, server)
            finally:
                cut(server)
                back.join()

    def _hand_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while taken := source.recv(65536):
                if not self.frozen.is_set():
                    target.sendall(taken)
