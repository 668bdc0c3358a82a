"""Runs the missing revisions of the database schema, in one process at a time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from consumer.store import schema_version
from consumer.store.connect import DedicatedConnection, open_maintenance_connection
from consumer.store.errors import TransactionConflictError, translate_errors

log: structlog.stdlib.BoundLogger = structlog.get_logger("store")

ADVISORY_LOCK_KEY = 0x6D696772
"""An arbitrary number, the same in all replicas: only the process that holds the lock migrates."""
UPGRADE_SECONDS = 300
DDL_LOCK_TIMEOUT = "2s"
"""Statements of replicas queue behind a revision that waits for a table lock, heartbeats included."""
LOCK_SQLSTATES = frozenset({"55P03", "40P01"})
"""Lock timeout and deadlock."""
RETRY_SECONDS = 1.0
VERSION_TABLE = {"version_table": "alembic_version", "version_table_schema": "migration"}


async def upgrade(dsn: str) -> None:
    """Bring the schema of the service and of every dataset up to date; safe to run from many places.

    A schema that is newer than this version stays unchanged. A revision that gets no lock because of a long
    transaction is retried. Raises SchemaNotUpgradableError, DatabaseUnavailableError, QueryError,
    TransactionConflictError.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://",
        # SQLAlchemy passes the options of a DSN to asyncpg under names that asyncpg does not know.
        async_creator=lambda: open_maintenance_connection(dsn),
        isolation_level="AUTOCOMMIT",
    )
    try:
        with translate_errors(), _unwrap_driver_errors():
            async with asyncio.timeout(UPGRADE_SECONDS), engine.connect() as lock:
                await _acquire_lock(lock)
                await schema_version.require_upgradable(await _driver_connection(lock))
                await lock.execute(text("create schema if not exists migration"))
                await _upgrade_with_retries(engine)
    finally:
        await engine.dispose()


async def _driver_connection(connection: AsyncConnection) -> DedicatedConnection:
    return (await connection.get_raw_connection()).driver_connection  # type: ignore[return-value]


async def _acquire_lock(connection: AsyncConnection) -> None:
    """Wait until no other process migrates.

    By polling: `create index concurrently` waits for every running statement, and a blocking
    `pg_advisory_lock` would be one of them.
    """
    while True:
        if await connection.scalar(text("select pg_try_advisory_lock(:key)"), {"key": ADVISORY_LOCK_KEY}):
            return
        await asyncio.sleep(RETRY_SECONDS)


async def _upgrade_with_retries(engine: AsyncEngine) -> None:
    """Run the missing revisions; a revision that does not get its locks in time is retried."""
    while True:
        try:
            with translate_errors(), _unwrap_driver_errors():
                return await _upgrade_once(engine)
        except TransactionConflictError as conflict:
            if conflict.sqlstate not in LOCK_SQLSTATES:
                raise
            log.info("schema.lock_retrying", reason=str(conflict), retry_in_seconds=RETRY_SECONDS)
        await asyncio.sleep(RETRY_SECONDS)


async def _upgrade_once(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="READ COMMITTED")
        await connection.run_sync(_run_revisions)
        await connection.commit()


def _run_revisions(connection: Connection) -> None:
    config = _alembic_config()
    present = set(MigrationContext.configure(connection, opts=VERSION_TABLE).get_current_heads())
    connection.exec_driver_sql(f"set lock_timeout = '{DDL_LOCK_TIMEOUT}'")
    connection.commit()
    if present <= schema_version.known_revisions():
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")


@contextmanager
def _unwrap_driver_errors() -> Iterator[None]:
    """SQLAlchemy wraps an error of asyncpg twice: raise the original."""
    try:
        yield
    except DBAPIError as error:
        raise (error.orig and error.orig.__cause__) or error from None


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(schema_version.STORE_DIRECTORY / "migrations"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, schema_version.revision_directories())))
    return config
