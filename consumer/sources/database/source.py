"""A table of another database as a source: counted at open, then read page by page in one snapshot."""

from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from consumer.cells.chunks import Chunk
from consumer.datasets.base import SourceTable
from consumer.errors import TransientError, UnresolvableRequestError
from consumer.sources.base import SourceConfig, SourceInfo
from consumer.sources.database.connect import SnapshotSession, open_session
from consumer.sources.database.dsn import parse_dsn
from consumer.sources.database.errors import translate_errors
from consumer.sources.database.event_loop import PrivateEventLoop
from consumer.sources.database.pages import KeyRange, fetch_page
from consumer.sources.database.resume import ReadPlan, plan_read
from consumer.sources.database.table_lookup import find_table
from consumer.sources.split import split_by_size
from schemas.codes import ErrorCode

T = TypeVar("T")


class DatabaseSource:
    """The rows of one table in one read-only snapshot."""

    def __init__(self, spec: Mapping[str, Any], config: SourceConfig) -> None:
        self._connection_name = str(spec["connection"])
        self._source_table = _require_source_table(config)
        self._requested_table = str(spec.get("table") or self._source_table.table)
        self._config = config
        self._loop: PrivateEventLoop | None = None
        self._session: SnapshotSession | None = None
        self._plan: ReadPlan | None = None

    def open(self) -> SourceInfo:
        """Connect, find the table and count its rows. Raises MigrationError."""
        self._loop = PrivateEventLoop()
        self._session = self._run(self._loop, self._connect())
        self._plan = self._run(self._loop, self._plan_read(self._session))
        return self._plan.source_info()

    async def _connect(self) -> SnapshotSession:
        return await open_session(parse_dsn(self._config.secrets["dsn"]))

    async def _plan_read(self, session: SnapshotSession) -> ReadPlan:
        table = await find_table(session, self._requested_table, self._source_table, self._connection_name)
        return await plan_read(session, table, self._source_table, self._config)

    @property
    def total(self) -> int | None:
        """The number of rows, known once the source is open."""
        return None if self._plan is None else self._plan.load.count

    @property
    def state(self) -> Mapping[str, Any] | None:
        """The load state as JSON, with the digest of the rows returned so far."""
        plan = self._plan
        return None if plan is None else plan.load.with_emitted(plan.digest).to_json()

    def chunks(self) -> Iterator[Chunk]:
        """The rows in the order of their keys; of rows already stored, only key and identity fields.

        Raises TransientError (`short_read`) if fewer or more rows come than were counted.
        """
        if self._plan is None:
            return
        rows = 0
        for key_range in self._plan.key_ranges():
            for chunk in self._fetch_pages(self._plan, key_range):
                rows += len(chunk.positions)
                self._plan.mark_emitted(chunk)
                yield chunk
        if self._session is not None and rows != self._plan.load.count:
            raise _short_read(self._connection_name, self._plan.load.count, rows)

    def _fetch_pages(self, plan: ReadPlan, key_range: KeyRange) -> Iterator[Chunk]:
        size = self._config.chunk_rows
        while self._loop is not None and self._session is not None and not key_range.is_exhausted:
            page = fetch_page(self._session, plan.table, self._source_table, key_range, size)
            chunk = self._run(self._loop, page)
            if chunk is None:
                return
            yield from split_by_size(chunk)  # here, so that the digest covers exactly the batches sent
            key_range = replace(key_range, after_key=chunk.positions[-1])

    def _run(self, loop: PrivateEventLoop, coroutine: Coroutine[Any, Any, T]) -> T:
        is_resume = self._config.checkpoint is not None
        with translate_errors(
            self._connection_name, can_shrink_page=not self._config.low_memory, is_resume=is_resume
        ):
            return loop.run(coroutine)

    def close(self) -> None:
        """End the transaction and the connection within seconds; idempotent."""
        loop, self._loop = self._loop, None
        session, self._session = self._session, None
        if loop is not None:
            if session is not None:
                loop.run(session.close())
            loop.close()


def _require_source_table(config: SourceConfig) -> SourceTable:
    if config.column_spec.source_table is None:
        raise UnresolvableRequestError(
            ErrorCode.UNSUPPORTED_SOURCE,
            "This dataset is not read from databases: send a workbook, or name a Google spreadsheet.",
        )
    return config.column_spec.source_table


def _short_read(name: str, counted: int, read: int) -> TransientError:
    return TransientError(
        ErrorCode.SHORT_READ,
        f"The database of the connection «{name}» counted {counted} rows, but returned {read}. Try again.",
    )
