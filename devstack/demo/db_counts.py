"""What stands in the target after an import."""

import asyncio
from typing import Any

TABLES = ("universities", "branches", "faculties", "groups", "chats", "chat_groups", "administrators")

REJECTED_ROWS = """
select e.row_number from migration.migration_errors e
join migration.jobs j on j.id = e.job_id and j.load = e.load
where j.request_id = $1 order by 1
"""
CHATS_WITH_SOURCE = "select count(*) from directory.chats where source = $1"


def table_sizes(url: str) -> dict[str, int]:
    """Rows of each table of the dataset."""
    return {
        name: rows[0][0]
        for name in TABLES
        for rows in [_query(url, f"select count(*) from directory.{name}")]
    }


def rejected_rows(url: str, request_id: str) -> list[int]:
    """The numbers of the rows that were rejected."""
    return [row[0] for row in _query(url, REJECTED_ROWS, request_id)]


def chats_with_source(url: str, source: str) -> int:
    """Chats that carry the tag of a kind of source."""
    return int(_query(url, CHATS_WITH_SOURCE, source)[0][0])


def _query(url: str, query: str, *values: object) -> list[Any]:
    return asyncio.run(_fetch(url, query, *values))


async def _fetch(url: str, query: str, *values: object) -> list[Any]:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query, *values))
    finally:
        await connection.close()
