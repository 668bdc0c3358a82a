"""Brings the database schema up to date, one process at a time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from consumer.store import revisions
from consumer.store.connect import open_patient_connection
from consumer.store.errors import mapped

LOCK_KEY = 0x6D696772
"""Any number, the same in all replicas: only one of them migrates at a time."""
LOCK_SECONDS = 300
TABLE = {"version_table": "revisions", "version_table_schema": "migration"}


async def upgrade(dsn: str) -> None:
    """Bring the schema of the service and of every dataset up to date; safe to run from many places.

    A schema that is newer than this version is left as it is. Raises DatabaseUnavailable, StatementFailed,
    Conflict.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://",
        # The library's own way hands the options of an address to the driver under names it does not know.
        async_creator=lambda: open_patient_connection(dsn),
        isolation_level="AUTOCOMMIT",
    )
    try:
        with mapped(), _driver_errors():
            async with asyncio.timeout(LOCK_SECONDS), engine.connect() as lock:
                await lock.execute(text("select pg_advisory_lock(:key)"), {"key": LOCK_KEY})
                await lock.execute(text("create schema if not exists migration"))
                await _upgrade_locked(engine)
    finally:
        await engine.dispose()


async def _upgrade_locked(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="READ COMMITTED")
        await connection.run_sync(_upgrade)
        await connection.commit()


def _upgrade(connection: Connection) -> None:
    config = _config()
    there = set(MigrationContext.configure(connection, opts=TABLE).get_current_heads())
    connection.rollback()
    if there <= revisions.known():
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")


@contextmanager
def _driver_errors() -> Iterator[None]:
    """SQLAlchemy wraps what the driver raises twice over."""
    try:
        yield
    except DBAPIError as error:
        raise (error.orig and error.orig.__cause__) or error from None


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(revisions.HERE / "migrations"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, revisions.folders())))
    return config
