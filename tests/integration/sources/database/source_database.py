"""Fills and changes the source database, and opens sources that read it."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg

from consumer.cells.chunks import Chunk
from consumer.datasets.chats.column_spec import COLUMN_SPEC
from consumer.sources.base import SourceConfig, SourceInfo
from consumer.sources.database.source import DatabaseSource

CONNECTION_NAME = "old-admin"
COLUMNS = ("id", "inn", "name", "url", "admin_phone", "source")
CREATE_CHATS = """
create table chats (id bigint primary key, inn text, name text, url text, admin_phone text, source text)
"""
CHUNK_ROWS = 4
MAX_ID = 2**63 - 1
MIN_ID = -(2**63)


def execute(dsn: str, *statements: str) -> None:
    """Run statements as the owner of the database."""

    async def work() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(work())


def fetchval(dsn: str, query: str) -> Any:
    """The value of a query that returns one."""

    async def work() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(work())


def insert_chats(dsn: str, ids: Iterable[int], source: str | None = "admin_panel") -> None:
    """Insert chats; each cell contains the id of its row."""
    rows = [(i, f"inn {i}", f"name {i}", f"url {i}", f"phone {i}", source) for i in ids]

    async def work() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.copy_records_to_table("chats", records=rows, columns=list(COLUMNS))
        finally:
            await connection.close()

    asyncio.run(work())


def make_source_config(dsn: str, **more: Any) -> SourceConfig:
    """The parameters of a first attempt."""
    settings: dict[str, Any] = {"chunk_rows": CHUNK_ROWS, "secrets": {"dsn": dsn}} | more
    return SourceConfig(COLUMN_SPEC, temp_dir=Path(), inbox=Path(), max_inflated_bytes=1, **settings)


def resumed_source_config(
    dsn: str, opened: SourceInfo, checkpoint: int | None, stored: int, **more: Any
) -> SourceConfig:
    """The parameters of the next attempt, after rows up to a checkpoint were stored."""
    return make_source_config(
        dsn,
        fingerprint=opened.fingerprint,
        state=opened.state,
        checkpoint=checkpoint,
        rows_done=stored,
        **more,
    )


@contextmanager
def open_source(
    reading: SourceConfig, table: str | None = None
) -> Iterator[tuple[DatabaseSource, SourceInfo]]:
    """An open source, closed at the end of the block."""
    source = DatabaseSource({"type": "database", "connection": CONNECTION_NAME, "table": table}, reading)
    try:
        yield source, source.open()
    finally:
        source.close()


def read_chunks(reading: SourceConfig, table: str | None = None) -> list[Chunk]:
    """All chunks of a new source."""
    with open_source(reading, table) as (source, _):
        return list(source.chunks())


def positions(chunks: Iterable[Chunk]) -> list[int]:
    """The positions of all rows."""
    return [position for chunk in chunks for position in chunk.positions]


def dsn_with_options(dsn: str, **options: str) -> str:
    """The DSN with query parameters."""
    return f"{dsn}?{'&'.join(f'{name}={quote(text)}' for name, text in options.items())}"


def dsn_with(
    dsn: str, *, user: str | None = None, password: str | None = None, port: int | None = None
) -> str:
    """The DSN with another user, password, or local port."""
    parts = urlsplit(dsn)
    login = f"{user or parts.username}:{parts.password if password is None else password}"
    return parts._replace(netloc=f"{login}@127.0.0.1:{port or parts.port}").geturl()


Change = Callable[[str], None]
