"""A proxy before Postgres that reads along which transactions commit, and can lose the answer to one."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.support.faults.proxy import HOST, UP, Connection, Proxy

STARTUP_CODES_WITHOUT_TYPE = frozenset({80877103, 80877104})
"""SSLRequest and GSSENCRequest: answered by one byte, then the startup message follows."""
KEPT_BYTES = 16 * 1024
"""Of one message; what is longer is data."""
WRITING = re.compile(
    r"\b(insert\s+into|(?<!for )update|delete\s+from|copy|truncate|merge\s+into)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Commit:
    """A COMMIT that passed, with the statements of its transaction."""

    statements: tuple[str, ...]

    @property
    def writes(self) -> bool:
        """Whether it may have written anything."""
        return any(WRITING.search(one) for one in self.statements)

    def touches(self, *words: str) -> bool:
        """Whether any one statement holds all these words."""
        return any(all(word in one for word in words) for one in self.statements)


def writes(commit: Commit) -> bool:
    """For `lose_answer`."""
    return commit.writes


@dataclass(slots=True)
class Loss:
    """A COMMIT that gets no answer: the server's is awaited, and the connection reset instead."""

    nth: int
    where: Callable[[Commit], bool]
    seen: int = 0
    commit: Commit | None = None
    answer: str = ""
    happened: threading.Event = field(default_factory=threading.Event)

    def meets(self, commit: Commit) -> bool:
        """Count a commit; whether it is the one."""
        self.seen += self.where(commit)
        if self.commit is not None or self.seen < self.nth:
            return False
        self.commit = commit
        return True


class PostgresProxy(Proxy):
    """Before the server of an address. `commits` are those seen so far."""

    def __init__(self, dsn: str) -> None:
        self._address = urlsplit(dsn)
        self.commits: list[Commit] = []
        self.loss: Loss | None = None
        assert self._address.port
        super().__init__(self._address.port)

    @property
    def dsn(self) -> str:
        """The same database, by way of the proxy."""
        return self.through(self._address.geturl())

    def through(self, dsn: str) -> str:
        """The address of any database of that server, by way of the proxy."""
        parts = urlsplit(dsn)
        login = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{login}@{HOST}:{self.port}").geturl()

    def lose_answer(self, nth: int = 1, where: Callable[[Commit], bool] = writes) -> Loss:
        """Lose the answer to the nth COMMIT from now on (of those `where`)."""
        self.loss = Loss(nth, where)
        return self.loss

    def make(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Connection:
        return PostgresConnection(self, reader, writer)


class PostgresConnection(Connection):
    """A client of Postgres: what it says is read along."""

    def __init__(
        self, proxy: PostgresProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__(proxy, reader, writer)
        self._of = proxy
        self._asked = Frames(started=False)
        self._answered = Frames(started=True)
        self._prepared: dict[bytes, str] = {}
        self._statements: list[str] = []
        self._losing: Loss | None = None

    def passing(self, way: str, piece: bytes) -> bytes:
        if way == UP:
            for kind, content in self._asked.feed(piece):
                self._saw(kind, content)
            self._answered.single += self._asked.take_singles()
            return piece
        for kind, content in self._answered.feed(piece):
            self._heard(kind, content)
        return b"" if self._losing else piece

    def _saw(self, kind: bytes, content: bytes) -> None:
        match kind:
            case b"P":
                name, query = content.split(b"\0", 2)[:2]
                self._prepared[name] = query.decode(errors="replace")
            case b"B":
                self._statements.append(self._prepared.get(content.split(b"\0", 2)[1], ""))
            case b"Q":
                self._simple(content.rstrip(b"\0").decode(errors="replace"))

    def _simple(self, query: str) -> None:
        if query.startswith("BEGIN"):
            self._statements = []
        elif query == "COMMIT;":
            self._commit(Commit(tuple(self._statements)))
        else:
            self._statements.append(query)

    def _commit(self, commit: Commit) -> None:
        self._of.commits.append(commit)
        loss = self._of.loss
        if loss is not None and loss.meets(commit):
            self._losing = loss

    def _heard(self, kind: bytes, content: bytes) -> None:
        if self._losing is None:
            return
        if kind == b"C":
            self._losing.answer = content.rstrip(b"\0").decode()
        if kind == b"Z":
            self._losing.happened.set()
            self.reset()


class Frames:
    """Cuts one direction of the protocol into messages. `single` bytes come before the first of them."""

    def __init__(self, *, started: bool) -> None:
        self._started = started
        self._buffer = bytearray()
        self._skip = 0
        self._singles = 0
        self.single = 0

    def take_singles(self) -> int:
        """How many requests were seen that are answered by one byte."""
        singles, self._singles = self._singles, 0
        return singles

    def feed(self, piece: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Kind and content (its beginning) of every message that a piece completes."""
        passed = min(self.single, len(piece))
        self.single -= passed
        self._buffer += memoryview(piece)[passed:]
        while self._drop_skipped() and (message := self._next()) is not None:
            yield message

    def _drop_skipped(self) -> bool:
        dropped = min(self._skip, len(self._buffer))
        del self._buffer[:dropped]
        self._skip -= dropped
        return self._skip == 0

    def _next(self) -> tuple[bytes, bytes] | None:
        head = 5 if self._started else 4
        if len(self._buffer) < head:
            return None
        size = int.from_bytes(self._buffer[head - 4 : head], "big") - 4
        kept = min(size, KEPT_BYTES)
        if len(self._buffer) < head + kept:
            return None
        kind, content = bytes(self._buffer[: head - 4]), bytes(self._buffer[head : head + kept])
        del self._buffer[: head + kept]
        self._skip = size - kept
        if not self._started:
            self._begun(content)
        return kind, content

    def _begun(self, content: bytes) -> None:
        """A message without a kind: the client's first words."""
        if int.from_bytes(content[:4], "big") in STARTUP_CODES_WITHOUT_TYPE:
            self._singles += 1
        else:
            self._started = True
