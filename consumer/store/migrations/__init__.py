"""Revisions of the database schema: Alembic keeps the order, each revision runs a file of SQL."""

import re
from pathlib import Path
from typing import Any

from alembic import op
from sqlalchemy.util.concurrency import await_only


def run_sql(revision_file: str, name: str) -> None:
    """Run the file `name` that lies beside a revision.

    Through the raw driver: SQLAlchemy's asyncpg dialect prepares what it runs, and a prepared
    statement is one statement.
    """
    await_only(_driver().execute(_read(revision_file, name)))


def run_sql_outside_transaction(revision_file: str, name: str) -> None:
    """Run the statements of a file one by one, each by itself, as `create index concurrently` wants it.

    A statement ends with a semicolon at the end of its line. Only inside Alembic's `autocommit_block`. The
    lock timeout of the session is afterwards what it was before.
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
