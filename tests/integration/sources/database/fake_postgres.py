"""TCP servers that send what a real Postgres cannot be made to send."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SSL_REQUEST = 80877103
TIMEOUT_SECONDS = 20

Handler = Callable[[socket.socket], None]


@contextmanager
def serve(handler: Handler) -> Iterator[int]:
    """Run `handler` for each connection; yields the port, and closes all connections at the end."""
    clients: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def handle_connection(client: socket.socket) -> None:
        with suppress(OSError):
            handler(client)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                client.settimeout(TIMEOUT_SECONDS)
                clients.append(client)
                threads.append(threading.Thread(target=handle_connection, args=(client,)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield server.getsockname()[1]
        finally:
            shut_down(server)
            accepting.join()
            for client in clients:
                shut_down(client)
            for thread in threads:
                thread.join()
            for client in clients:
                client.close()


def shut_down(client: socket.socket) -> None:
    """Shut down a socket in both directions, also under a blocked reader."""
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)


def read_exactly(client: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes. Raises OSError if the connection is closed."""
    taken = b""
    while len(taken) < size:
        if not (more := client.recv(size - len(taken))):
            raise ConnectionError("gone")
        taken += more
    return taken


def read_startup(client: socket.socket) -> dict[str, str]:
    """The startup parameters of a client; TLS is declined."""
    while True:
        length, code = struct.unpack("!ii", read_exactly(client, 8))
        body = read_exactly(client, length - 8)
        if code != SSL_REQUEST:
            words = body.decode().split("\0")
            return dict(zip(words[0::2], words[1::2], strict=False))
        client.sendall(b"N")


def encode_message(kind: bytes, body: bytes) -> bytes:
    """One message of the protocol."""
    return kind + struct.pack("!i", len(body) + 4) + body


def read_message(client: socket.socket) -> tuple[bytes, bytes]:
    """One message of the client."""
    kind, length = struct.unpack("!ci", read_exactly(client, 5))
    return kind, read_exactly(client, length - 4)


def error_message(state: str, text: bytes = b"no") -> bytes:
    """A fatal error with a SQLSTATE."""
    return encode_message(b"E", b"SFATAL\0VFATAL\0C" + state.encode() + b"\0M" + text + b"\0\0")


def reject_logins(state: str, text: bytes = b"no") -> Handler:
    """A server that rejects every login."""

    def handle(client: socket.socket) -> None:
        read_startup(client)
        client.sendall(error_message(state, text))
        shut_down(client)

    return handle


def never_answer(client: socket.socket) -> None:
    """Accept the connection, and never answer."""
    while client.recv(4096):
        pass


def tls_server(certificate: str, users: list[str]) -> Handler:
    """A TLS server that records startup parameters, and closes the connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def handle(client: socket.socket) -> None:
        read_exactly(client, 8)
        client.sendall(b"S")
        with context.wrap_socket(client.dup(), server_side=True) as secret:
            users.append(read_startup(secret)["user"])
        shut_down(client)

    return handle


@dataclass
class PasswordServer:
    """A server that requests a cleartext password, and records it."""

    parameters: dict[str, str] = field(default_factory=dict)
    password: bytes | None = None

    def handle(self, client: socket.socket) -> None:
        """Request the password, record it, reject the login."""
        self.parameters = read_startup(client)
        client.sendall(encode_message(b"R", struct.pack("!i", 3)))
        _, body = read_message(client)
        self.password = body.rstrip(b"\0")
        client.sendall(error_message("28P01"))


class FreezableRelay:
    """A proxy to a real server; once frozen, it forwards nothing."""

    def __init__(self, dsn: str) -> None:
        parts = urlsplit(dsn)
        self._target = (parts.hostname, parts.port)
        self.frozen = threading.Event()

    def handle(self, client: socket.socket) -> None:
        """Forward data in both directions."""
        with socket.create_connection(self._target, TIMEOUT_SECONDS) as server:
            back = threading.Thread(target=self._pump, args=(server, client))
            back.start()
            try:
                self._pump(client, server)
            finally:
                shut_down(server)
                back.join()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while taken := source.recv(65536):
                if not self.frozen.is_set():
                    target.sendall(taken)
