"""A table of another database as a source: opened, counted, handed out page by page."""

from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from consumer.datasets.base import Relation
from consumer.errors import RequestRefused, TransientError
from consumer.records import Chunk
from consumer.sources.base import Opened, Reading
from consumer.sources.database.address import parse
from consumer.sources.database.connect import Session, open_session
from consumer.sources.database.errors import mapped
from consumer.sources.database.loop import Loop
from consumer.sources.database.opening import Standing, stand
from consumer.sources.database.pages import Stretch, page
from consumer.sources.database.table import find
from consumer.sources.pieces import pieces
from schemas.codes import ErrorCode

T = TypeVar("T")


class DatabaseSource:
    """The rows of one table, as one snapshot shows them."""

    def __init__(self, spec: Mapping[str, Any], reading: Reading) -> None:
        self._name = str(spec["connection"])
        self._relation = _relation(reading)
        self._asked = str(spec.get("table") or self._relation.table)
        self._reading = reading
        self._loop: Loop | None = None
        self._session: Session | None = None
        self._standing: Standing | None = None

    def open(self) -> Opened:
        """Connect, find the table and count it; errors of `consumer.errors` say what is wrong."""
        self._loop = Loop()
        self._session = self._run(self._loop, self._connect())
        self._standing = self._run(self._loop, self._stand(self._session))
        return self._standing.opened()

    async def _connect(self) -> Session:
        return await open_session(parse(self._reading.secrets["dsn"]))

    async def _stand(self, session: Session) -> Standing:
        table = await find(session, self._asked, self._relation, self._name)
        return await stand(session, table, self._relation, self._reading)

    @property
    def total(self) -> int | None:
        """How many rows count; known as soon as the source is open."""
        return None if self._standing is None else self._standing.load.count

    @property
    def state(self) -> Mapping[str, Any] | None:
        """What the next attempt has to know: the load, and what stands for the rows handed out so far."""
        standing = self._standing
        return None if standing is None else standing.load.handed_out(standing.digest).as_state()

    def chunks(self) -> Iterator[Chunk]:
        """The rows in the order of their keys; of those that are stored, key and identity alone.

        Raises TransientError where not as many rows come as were counted.
        """
        if self._standing is None:
            return
        rows = 0
        for stretch in self._standing.stretches():
            for chunk in self._pages(self._standing, stretch):
                rows += len(chunk.positions)
                self._standing.hand_out(chunk)
                yield chunk
        if self._session is not None and rows != self._standing.load.count:
            raise _short(self._name, self._standing.load.count, rows)

    def _pages(self, standing: Standing, stretch: Stretch) -> Iterator[Chunk]:
        size = self._reading.chunk_rows
        while self._loop is not None and self._session is not None and not stretch.is_over:
            work = page(self._session, standing.table, self._relation, stretch, size)
            chunk = self._run(self._loop, work)
            if chunk is None:
                return
            yield from pieces(chunk)  # what was handed out is known up to each batch
            stretch = replace(stretch, after=chunk.positions[-1])

    def _run(self, loop: Loop, work: Coroutine[Any, Any, T]) -> T:
        read_before = self._reading.checkpoint is not None
        with mapped(self._name, fewer=not self._reading.frugal, read_before=read_before):
            return loop.run(work)

    def close(self) -> None:
        """End the transaction and the connection, within seconds; harmless when called again."""
        loop, self._loop = self._loop, None
        session, self._session = self._session, None
        if loop is not None:
            if session is not None:
                loop.run(session.close())
            loop.close()


def _relation(reading: Reading) -> Relation:
    if reading.fields.relation is None:
        raise RequestRefused(
            ErrorCode.UNSUPPORTED_SOURCE,
            "This dataset is not read from databases: send a workbook, or name a Google spreadsheet.",
        )
    return reading.fields.relation


def _short(name: str, counted: int, read: int) -> TransientError:
    return TransientError(
        ErrorCode.SHORT_READ,
        f"The database of the connection «{name}» counted {counted} rows, but handed out {read}. Try again.",
    )
