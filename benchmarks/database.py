"""Fresh tables before a first load, and a quiet server before every timing."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg

TABLES = ["universities", "branches", "faculties", "groups", "chats", "chat_groups", "administrators"]
TRUNCATE_TABLES = f"truncate {', '.join(f'directory.{table}' for table in TABLES)} restart identity cascade"


async def truncate_tables(dsn: str) -> None:
    """Empty schema `directory`, and let the server write out what it has to."""
    await _execute(dsn, TRUNCATE_TABLES, "checkpoint")


async def vacuum_tables(dsn: str) -> None:
    """What autovacuum and the checkpointer would do soon after a load, done now: not in anybody's timing."""
    await _execute(dsn, *(f"vacuum (analyze) directory.{table}" for table in TABLES), "checkpoint")


async def checkpoint(dsn: str) -> None:
    """Write out what the load before left."""
    await _execute(dsn, "checkpoint")


async def table_sizes(dsn: str) -> dict[str, int]:
    """Rows of each table."""
    connection = await asyncpg.connect(dsn)
    try:
        return {
            table: int(await connection.fetchval(f"select count(*) from directory.{table}"))
            for table in TABLES
        }
    finally:
        await connection.close()


@asynccontextmanager
async def temporary_database(dsn: str) -> AsyncIterator[str]:
    """A database of its own on the same server, gone at the end; its address."""
    name = f"bench_{uuid.uuid4().hex[:12]}"
    await _execute(dsn, f"create database {name}")
    try:
        yield urlsplit(dsn)._replace(path=f"/{name}").geturl()
    finally:
        await _execute(dsn, f"drop database {name} with (force)")


async def _execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
