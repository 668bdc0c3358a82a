"""Revisions of the database schema: Alembic keeps the order, each revision runs a file of SQL."""

from pathlib import Path
from typing import Any

from alembic import op
from sqlalchemy.util.concurrency import await_only


def run_sql(revision_file: str, name: str) -> None:
    """Run the file `name` that lies beside a revision.

    Through the raw driver: SQLAlchemy's asyncpg dialect prepares what it runs, and a prepared
    statement is one statement.
    """
    text = Path(revision_file).with_name(name).read_text(encoding="utf-8")
    driver: Any = op.get_bind().connection.driver_connection
    await_only(driver.execute(text))
