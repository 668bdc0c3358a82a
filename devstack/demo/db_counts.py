"""Counts of stored rows, read from the target database after an import."""

from devstack.fakedata.expected import TABLES
from devstack.stack import fetch_blocking

REJECTED_ROWS = """
select e.row_number from migration.migration_errors e
join migration.jobs j on j.id = e.job_id and j.load = e.load
where j.request_id = $1 order by 1
"""
CHATS_WITH_SOURCE = "select count(*) from directory.chats where source = $1"


def table_sizes(url: str) -> dict[str, int]:
    """Number of rows in each table of schema `directory`."""
    return {
        table: int(fetch_blocking(url, f"select count(*) from directory.{table}")[0][0]) for table in TABLES
    }


def rejected_rows(url: str, request_id: str) -> list[int]:
    """The row numbers of the rejected rows of a request."""
    return [row[0] for row in fetch_blocking(url, REJECTED_ROWS, request_id)]


def chats_with_source(url: str, source: str) -> int:
    """Number of chats with the tag of a source."""
    return int(fetch_blocking(url, CHATS_WITH_SOURCE, source)[0][0])
