"""Revisions of the database schema: Alembic keeps their order, and each runs a SQL file."""

import re
from pathlib import Path
from typing import Any

from alembic import op
from sqlalchemy.util.concurrency import await_only


def run_sql(revision_file: str, name: str) -> None:
    """Run the SQL file `name` in the directory of the revision `revision_file`.

    On the asyncpg connection itself: SQLAlchemy's asyncpg dialect prepares every text, and a prepared
    statement holds one statement only.
    """
    await_only(_driver().execute(_read(revision_file, name)))


def run_sql_outside_transaction(revision_file: str, name: str) -> None:
    """Run the statements of a SQL file one by one without a transaction, for `create index concurrently`.

    A statement ends with a semicolon at the end of a line. Use it only inside Alembic's `autocommit_block`.
    The lock timeout of the session is restored at the end.
    """
    driver = _driver()
    timeout = await_only(driver.fetchval("show lock_timeout"))
    try:
        for statement in re.split(r";$", _read(revision_file, name), flags=re.MULTILINE):
            if statement.strip():
                await_only(driver.execute(statement))
    finally:
        await_only(driver.execute(f"set lock_timeout = '{timeout}'"))


def _read(revision_file: str, name: str) -> str:
    return Path(revision_file).with_name(name).read_text(encoding="utf-8")


def _driver() -> Any:
    return op.get_bind().connection.driver_connection
