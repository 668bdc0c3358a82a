"""Reads stored values of whole tables, for the checks of `migration-consumer doctor`."""

from consumer.store.connect import maintenance_connection


async def read_values(dsn: str, query: str) -> list[tuple[int, str]]:
    """The rows (id, value) of a query over a whole table. Raises DatabaseUnavailableError, QueryError."""
    async with maintenance_connection(dsn) as connection:
        return [(int(row[0]), str(row[1])) for row in await connection.fetch(query)]
