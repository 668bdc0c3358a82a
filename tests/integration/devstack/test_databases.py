import asyncpg


async def test_a_fresh_database_is_empty_and_a_migrated_one_has_the_schema(
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
