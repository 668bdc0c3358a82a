"""Reads stored values in bulk, for checks that a person asks for."""

from consumer.store.connect import open_maintenance_connection
from consumer.store.errors import translate_errors

CLOSE_SECONDS = 5


async def read_values(dsn: str, query: str) -> list[tuple[int, str]]:
    """The rows (id, value) of a query over a whole table; takes as long as it takes.

    Raises DatabaseUnavailable, StatementFailed.
    """
    with translate_errors():
        connection = await open_maintenance_connection(dsn)
        try:
            return [(int(row[0]), str(row[1])) for row in await connection.fetch(query)]
        finally:
            await connection.close(timeout=CLOSE_SECONDS)
