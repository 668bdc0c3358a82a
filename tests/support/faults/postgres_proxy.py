"""A proxy before Postgres that reads along which transactions commit, and can lose the answer to one."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.support.faults.tcp_proxy import HOST, UP, ProxyConnection, TcpProxy

STARTUP_CODES_WITHOUT_TYPE = frozenset({80877103, 80877104})
"""SSLRequest and GSSENCRequest: answered by one byte, then the startup message follows."""
MAX_CONTENT_BYTES = 16 * 1024
"""Of one message; what is longer is data."""
WRITE_STATEMENT = re.compile(
    r"\b(insert\s+into|(?<!for )update|delete\s+from|copy|truncate|merge\s+into)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Commit:
    """A COMMIT that passed, with the statements of its transaction."""

    statements: tuple[str, ...]

    @property
    def writes(self) -> bool:
        """Whether it may have written anything."""
        return any(WRITE_STATEMENT.search(statement) for statement in self.statements)

    def mentions(self, *words: str) -> bool:
        """Whether any one statement holds all these words."""
        return any(all(word in statement for word in words) for statement in self.statements)


def is_write(commit: Commit) -> bool:
    """For `drop_commit_reply`."""
    return commit.writes


@dataclass(slots=True)
class DroppedReply:
    """A COMMIT that gets no answer: the server's is awaited, and the connection reset instead."""

    nth: int
    matches: Callable[[Commit], bool]
    seen: int = 0
    commit: Commit | None = None
    reply: str = ""
    happened: threading.Event = field(default_factory=threading.Event)

    def count_and_match(self, commit: Commit) -> bool:
        """Count a commit; whether it is the one."""
        self.seen += self.matches(commit)
        if self.commit is not None or self.seen < self.nth:
            return False
        self.commit = commit
        return True


class PostgresProxy(TcpProxy):
    """Before the server of an address. `commits` are those seen so far."""

    def __init__(self, dsn: str) -> None:
        self._address = urlsplit(dsn)
        self.commits: list[Commit] = []
        self.dropped_reply: DroppedReply | None = None
        assert self._address.port
        super().__init__(self._address.port)

    @property
    def dsn(self) -> str:
        """The same database, by way of the proxy."""
        return self.proxied_dsn(self._address.geturl())

    def proxied_dsn(self, dsn: str) -> str:
        """The address of any database of that server, by way of the proxy."""
        parts = urlsplit(dsn)
        login = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{login}@{HOST}:{self.port}").geturl()

    def drop_commit_reply(self, nth: int = 1, matches: Callable[[Commit], bool] = is_write) -> DroppedReply:
        """Lose the answer to the nth COMMIT from now on (of those `matches`)."""
        self.dropped_reply = DroppedReply(nth, matches)
        return self.dropped_reply

    def make_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> ProxyConnection:
        return PostgresProxyConnection(self, reader, writer)


class PostgresProxyConnection(ProxyConnection):
    """A client of Postgres: what it says is read along."""

    def __init__(
        self, proxy: PostgresProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__(proxy, reader, writer)
        self._postgres_proxy = proxy
        self._frontend = MessageSplitter(after_startup=False)
        self._backend = MessageSplitter(after_startup=True)
        self._prepared: dict[bytes, str] = {}
        self._statements: list[str] = []
        self._dropping: DroppedReply | None = None

    def filter_chunk(self, direction: str, chunk: bytes) -> bytes:
        if direction == UP:
            for kind, content in self._frontend.feed(chunk):
                self._on_frontend_message(kind, content)
            self._backend.pending_single_bytes += self._frontend.take_single_byte_requests()
            return chunk
        for kind, content in self._backend.feed(chunk):
            self._on_backend_message(kind, content)
        return b"" if self._dropping else chunk

    def _on_frontend_message(self, kind: bytes, content: bytes) -> None:
        match kind:
            case b"P":
                name, query = content.split(b"\0", 2)[:2]
                self._prepared[name] = query.decode(errors="replace")
            case b"B":
                self._statements.append(self._prepared.get(content.split(b"\0", 2)[1], ""))
            case b"Q":
                self._on_simple_query(content.rstrip(b"\0").decode(errors="replace"))

    def _on_simple_query(self, query: str) -> None:
        if query.startswith("BEGIN"):
            self._statements = []
        elif query == "COMMIT;":
            self._on_commit(Commit(tuple(self._statements)))
        else:
            self._statements.append(query)

    def _on_commit(self, commit: Commit) -> None:
        self._postgres_proxy.commits.append(commit)
        loss = self._postgres_proxy.dropped_reply
        if loss is not None and loss.count_and_match(commit):
            self._dropping = loss

    def _on_backend_message(self, kind: bytes, content: bytes) -> None:
        if self._dropping is None:
            return
        if kind == b"C":
            self._dropping.reply = content.rstrip(b"\0").decode()
        if kind == b"Z":
            self._dropping.happened.set()
            self.reset()


class MessageSplitter:
    """Splits one direction of the protocol into messages, after `pending_single_bytes` bytes."""

    def __init__(self, *, after_startup: bool) -> None:
        self._started = after_startup
        self._buffer = bytearray()
        self._skip = 0
        self._single_byte_requests = 0
        self.pending_single_bytes = 0

    def take_single_byte_requests(self) -> int:
        """How many requests were seen that are answered by one byte."""
        singles, self._single_byte_requests = self._single_byte_requests, 0
        return singles

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Kind and content (its beginning) of every message that a piece completes."""
        passed = min(self.pending_single_bytes, len(chunk))
        self.pending_single_bytes -= passed
        self._buffer += memoryview(chunk)[passed:]
        while self._drop_skipped() and (message := self._next_message()) is not None:
            yield message

    def _drop_skipped(self) -> bool:
        dropped = min(self._skip, len(self._buffer))
        del self._buffer[:dropped]
        self._skip -= dropped
        return self._skip == 0

    def _next_message(self) -> tuple[bytes, bytes] | None:
        head = 5 if self._started else 4
        if len(self._buffer) < head:
            return None
        size = int.from_bytes(self._buffer[head - 4 : head], "big") - 4
        kept = min(size, MAX_CONTENT_BYTES)
        if len(self._buffer) < head + kept:
            return None
        kind, content = bytes(self._buffer[: head - 4]), bytes(self._buffer[head : head + kept])
        del self._buffer[: head + kept]
        self._skip = size - kept
        if not self._started:
            self._on_startup(content)
        return kind, content

    def _on_startup(self, content: bytes) -> None:
        """A message without a kind: the client's first words."""
        if int.from_bytes(content[:4], "big") in STARTUP_CODES_WITHOUT_TYPE:
            self._single_byte_requests += 1
        else:
            self._started = True
