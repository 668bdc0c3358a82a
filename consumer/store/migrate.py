"""Brings the database schema up to date, one process at a time, and tells an old schema from a new one."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from consumer.store.connect import Connection as Driver

HERE = Path(__file__).parent
LOCK_KEY = 0x6D696772
"""Any number, the same in all replicas: only one of them migrates at a time."""
LOCK_SECONDS = 300


class SchemaOutdated(Exception):
    """The database is behind this version of the service."""


async def upgrade(dsn: str) -> None:
    """Bring the schema of the service and of every dataset up to date; safe to run from many places."""
    url = make_url(dsn).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with asyncio.timeout(LOCK_SECONDS), engine.connect() as lock:
            await lock.execute(text("select pg_advisory_lock(:key)"), {"key": LOCK_KEY})
            await lock.execute(text("create schema if not exists migration"))
            async with engine.connect() as connection:
                await connection.execution_options(isolation_level="READ COMMITTED")
                await connection.run_sync(_upgrade)
                await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "heads")


async def check(connection: Driver) -> None:
    """Raise SchemaOutdated where revisions of this version are missing; a newer schema is fine."""
    there: set[str] = set()
    if await connection.fetchval("select to_regclass('migration.revisions')"):
        there = {row[0] for row in await connection.fetch("select version_num from migration.revisions")}
    scripts = ScriptDirectory.from_config(_config())
    known = {script.revision for script in scripts.walk_revisions()}
    missing = set(scripts.get_heads()) - there
    if missing and there <= known:
        raise SchemaOutdated(
            f"the database schema is behind this version ({', '.join(sorted(missing))} missing): "
            "run `migration-consumer migrate` first"
        )


def _config() -> Config:
    config = Config()
    datasets = sorted(HERE.parent.glob("datasets/*/revisions"))
    config.set_main_option("script_location", str(HERE / "migrations"))
    config.set_main_option("path_separator", "newline")
    folders = [HERE / "migrations" / "versions", *datasets]
    config.set_main_option("version_locations", "\n".join(map(str, folders)))
    return config
