"""The database fixtures of `tests/conftest.py`."""

import asyncpg


async def test_empty_database_has_no_schema_and_migrated_one_has_both(
    empty_database_url: str, database_url: str
) -> None:
    assert await _schemas(empty_database_url) == set()
    assert await _schemas(database_url) == {"migration", "directory"}


async def _schemas(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "select nspname from pg_namespace where nspname in ('migration', 'directory')"
        )
        return {row["nspname"] for row in rows}
    finally:
        await connection.close()
