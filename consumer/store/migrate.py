"""Brings the database schema up to date, one process at a time, and tells an old schema from a new one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from consumer.store.connect import Connection as Driver
from consumer.store.errors import mapped

HERE = Path(__file__).parent
LOCK_KEY = 0x6D696772
"""Any number, the same in all replicas: only one of them migrates at a time."""
LOCK_SECONDS = 300
TABLE = {"version_table": "revisions", "version_table_schema": "migration"}


class SchemaOutdated(Exception):
    """The database is behind this version of the service."""


async def upgrade(dsn: str) -> None:
    """Bring the schema of the service and of every dataset up to date; safe to run from many places.

    A schema that is newer than this version is left as it is. Raises DatabaseUnavailable, StatementFailed.
    """
    url = make_url(dsn).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
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
    if there <= _known(config):
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")


@contextmanager
def _driver_errors() -> Iterator[None]:
    """SQLAlchemy wraps what the driver raises twice over."""
    try:
        yield
    except DBAPIError as error:
        raise (error.orig and error.orig.__cause__) or error from None


async def check(connection: Driver) -> None:
    """Raise SchemaOutdated where revisions of this version are missing; a newer schema is fine."""
    there: set[str] = set()
    if await connection.fetchval("select to_regclass('migration.revisions')"):
        there = {row[0] for row in await connection.fetch("select version_num from migration.revisions")}
    config = _config()
    missing = set(ScriptDirectory.from_config(config).get_heads()) - there
    if missing and there <= _known(config):
        raise SchemaOutdated(
            f"the database schema is behind this version ({', '.join(sorted(missing))} missing): "
            "run `migration-consumer migrate` first"
        )


def _known(config: Config) -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def _config() -> Config:
    config = Config()
    datasets = sorted(HERE.parent.glob("datasets/*/revisions"))
    config.set_main_option("script_location", str(HERE / "migrations"))
    config.set_main_option("path_separator", "newline")
    folders = [HERE / "migrations" / "versions", *datasets]
    config.set_main_option("version_locations", "\n".join(map(str, folders)))
    return config
