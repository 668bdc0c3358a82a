"""Foreign keys that are declared but not enforced: counting orphans, and enforcing them for who wants that.

Row-by-row checks double the time of a load, and every id was looked up or made in the transaction
that uses it; what they would catch is a parent deleted by somebody else. PostgreSQL 18 can leave
them NOT ENFORCED; before 18 they are enforced always.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from consumer.store.connect import Connection, DedicatedConnection, open_maintenance_connection
from consumer.store.errors import DataRejectedError, translate_errors

CLOSE_SECONDS = 5


class OrphanRowsError(Exception):
    """Rows whose parent is not there keep references from being enforced."""

    def __init__(self, counts: Mapping["ForeignKey", int]) -> None:
        found = "; ".join(f"{key}: {count} rows" for key, count in counts.items())
        super().__init__(
            f"rows without their parent are in the way: {found}. Mend or delete them, and try again: "
            "`migration-consumer doctor` counts them; the other references are enforced"
        )


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """One declared reference, by quoted names; only references of one column are declared here."""

    name: str
    table: str
    column: str
    parent: str
    parent_column: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column} → {self.parent}"


NOT_ENFORCED = """
select quote_ident(c.conname), c.conrelid::regclass::text, quote_ident(a.attname),
       c.confrelid::regclass::text, quote_ident(p.attname)
from pg_constraint c
join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
join pg_attribute p on p.attrelid = c.confrelid and p.attnum = c.confkey[1]
join pg_namespace n on n.oid = c.connamespace
where c.contype = 'f' and not c.conenforced and n.nspname = 'directory'
order by 2, 1
"""


async def list_not_enforced(connection: Connection) -> list[ForeignKey]:
    """The references that Postgres does not check."""
    if connection.get_server_version() < (18, 0):
        return []
    return [ForeignKey(*row) for row in await connection.fetch(NOT_ENFORCED)]


async def count_orphan_rows(connection: Connection, key: ForeignKey) -> int:
    """How many rows refer to a parent that is not there."""
    query = (
        f"select count(*) from {key.table} c where c.{key.column} is not null "  # noqa: S608 – quoted names
        f"and not exists (select from {key.parent} p where p.{key.parent_column} = c.{key.column})"
    )
    return int(await connection.fetchval(query))


async def enforce(connection: Connection, key: ForeignKey) -> bool:
    """Have Postgres check a reference from now on, and validate the rows there are; False where it cannot.

    Raises DatabaseUnavailable, Conflict where a load was in the way, StatementFailed.
    """
    try:
        with translate_errors():
            await connection.execute(f"alter table {key.table} alter constraint {key.name} enforced")
    except DataRejectedError:
        return False
    return True


async def count_all_orphans(dsn: str) -> AsyncIterator[tuple[ForeignKey, int]]:
    """Orphans of every reference that is not enforced, one after the other; takes as long as it takes.

    Raises DatabaseUnavailable, StatementFailed.
    """
    async with _maintenance_connection(dsn) as connection:
        for key in await list_not_enforced(connection):
            yield key, await count_orphan_rows(connection, key)


async def enforce_all(dsn: str) -> list[ForeignKey]:
    """Enforce every reference that is not; the ones that were changed, each for good at once.

    Raises OrphanRowsError when all others are enforced, and what `enforce` raises.
    """
    async with _maintenance_connection(dsn) as connection:
        keys = await list_not_enforced(connection)
        refused = [key for key in keys if not await enforce(connection, key)]
        if refused:
            raise OrphanRowsError({key: await count_orphan_rows(connection, key) for key in refused})
        return keys


@asynccontextmanager
async def _maintenance_connection(dsn: str) -> AsyncIterator[DedicatedConnection]:
    with translate_errors():
        connection = await open_maintenance_connection(dsn)
        try:
            yield connection
        finally:
            await connection.close(timeout=CLOSE_SECONDS)
