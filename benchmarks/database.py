"""Prepares Postgres between timings: empty tables, finished vacuum and checkpoint, temporary databases."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg

from devstack.fakedata.expected import TABLES

TRUNCATE_TABLES = f"truncate {', '.join(f'directory.{table}' for table in TABLES)} restart identity cascade"


async def truncate_tables(dsn: str) -> None:
    """Truncate the tables of schema `directory`, and checkpoint."""
    await _execute(dsn, TRUNCATE_TABLES, "checkpoint")


async def vacuum_tables(dsn: str) -> None:
    """Vacuum and checkpoint now, so that neither runs during the next timing."""
    await _execute(dsn, *(f"vacuum (analyze) directory.{table}" for table in TABLES), "checkpoint")


async def checkpoint(dsn: str) -> None:
    """Flush the dirty pages of the previous load."""
    await _execute(dsn, "checkpoint")


async def table_sizes(dsn: str) -> dict[str, int]:
    """Number of rows in each table of schema `directory`."""
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
    """Create a database on the same server, yield its URL, and drop it at the end."""
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
