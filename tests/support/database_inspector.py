"""The content of Postgres by natural keys, to be compared with what is expected."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from tests.support.kept_connection import DatabaseWork, KeptConnection, T

TABLE_QUERIES = {
    "universities": "select inn, kpp, name, foiv, region, region_number from directory.universities",
    "branches": """select u.inn, u.kpp, b.name from directory.branches b
        join directory.universities u on u.id = b.university_id""",
    "faculties": """select u.inn, u.kpp, coalesce(b.name, ''), f.name from directory.faculties f
        join directory.universities u on u.id = f.university_id
        left join directory.branches b on b.id = f.branch_id""",
    "groups": """select u.inn, u.kpp, coalesce(b.name, ''), coalesce(f.name, ''), g.course, g.name
        from directory.groups g join directory.universities u on u.id = g.university_id
        left join directory.branches b on b.id = g.branch_id
        left join directory.faculties f on f.id = g.faculty_id""",
    "chats": """select c.url, c.name, c.external_chat_id, c.participants, c.created_on, c.creator_id,
        u.inn, u.kpp, coalesce(b.name, ''), coalesce(f.name, ''), c.source
        from directory.chats c join directory.universities u on u.id = c.university_id
        left join directory.branches b on b.id = c.branch_id
        left join directory.faculties f on f.id = c.faculty_id""",
    "chat_groups": """select c.url, u.inn, u.kpp, coalesce(b.name, ''), coalesce(f.name, ''), g.course, g.name
        from directory.chat_groups l join directory.chats c on c.id = l.chat_id
        join directory.groups g on g.id = l.group_id join directory.universities u on u.id = g.university_id
        left join directory.branches b on b.id = g.branch_id
        left join directory.faculties f on f.id = g.faculty_id""",
    "administrators": """select c.url, a.phone, a.max_id, a.add_user, a.add_admin
        from directory.administrators a join directory.chats c on c.id = a.chat_id""",
}

TIMEOUT_SECONDS = 5


class DatabaseInspector:
    """Blocking questions to one database, on a connection of each question's own.

    With `keep_connection` they share one, which is replaced when it was lost, until `close`: tests that wait
    ask twenty times a second.
    """

    def __init__(self, dsn: str, *, keep_connection: bool = False) -> None:
        self.dsn = dsn
        self._kept = KeptConnection(dsn) if keep_connection else None

    def close(self) -> None:
        """Close the connection that was kept."""
        if self._kept:
            self._kept.close()

    def fetch(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""

        async def work(connection: asyncpg.Connection) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await connection.fetch(query, *values)]

        return self._run(work)

    def fetchval(self, query: str, *values: Any) -> Any:
        """The first column of the first row."""
        found = self.fetch(query, *values)
        return found[0][0] if found else None

    def _run(self, work: DatabaseWork[T]) -> T:
        return self._kept.run(work) if self._kept else asyncio.run(_run_once(self.dsn, work))

    async def fetchval_async(self, query: str) -> Any:
        """The first column of the first row, for a caller in an event loop; raises where Postgres is away."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await _run_once(self.dsn, lambda connection: connection.fetchval(query))

    def execute(self, script: str) -> None:
        """Several statements in one transaction."""
        self._run(lambda connection: connection.execute(script))

    def directory_tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every table of schema `directory` by natural keys, sorted."""
        return {table: sorted(self.fetch(query), key=repr) for table, query in TABLE_QUERIES.items()}

    def table_sizes(self) -> dict[str, int]:
        """How many rows each table of schema `directory` has."""
        return {
            table: self.fetchval(f"select count(*) from ({query}) x")
            for table, query in TABLE_QUERIES.items()
        }

    def job(self, request_id: str) -> dict[str, Any]:
        """The row of a job."""

        async def work(connection: asyncpg.Connection) -> dict[str, Any]:
            row = await connection.fetchrow("select * from migration.jobs where request_id = $1", request_id)
            return dict(row) if row else {}

        return self._run(work)

    def rejected_rows(self, request_id: str) -> dict[int, list[str]]:
        """Row number → wrong fields, sorted."""
        query = """select e.row_number, (select array_agg(distinct x->>'field' order by x->>'field')
            from jsonb_array_elements(e.errors) x)
            from migration.migration_errors e join migration.jobs j on j.id = e.job_id and j.load = e.load
            where j.request_id = $1"""
        return dict(self.fetch(query, request_id))

    @contextmanager
    def locked_table(self, table: str) -> Iterator[None]:
        """Block all writes to a table: transactions that need it wait."""
        held, over = threading.Event(), threading.Event()
        holder = threading.Thread(target=lambda: asyncio.run(self._hold_lock(table, held, over)))
        holder.start()
        try:
            assert held.wait(30), f"{table} could not be locked"
            yield
        finally:
            over.set()
            holder.join()

    async def _hold_lock(self, table: str, held: threading.Event, release: threading.Event) -> None:
        connection = await asyncpg.connect(self.dsn)
        try:
            async with connection.transaction():
                await connection.execute(f"lock table {table} in share mode")
                held.set()
                await asyncio.to_thread(release.wait, 600)
        finally:
            await connection.close()


async def _run_once(dsn: str, work: DatabaseWork[T]) -> T:
    connection = await asyncpg.connect(dsn)
    try:
        return await work(connection)
    finally:
        await connection.close()
