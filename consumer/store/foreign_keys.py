"""Foreign keys declared NOT ENFORCED: counts orphan rows, and enforces the keys on request.

Checks of each row double the time of a load, and the merge looks up or inserts every id in the transaction
that uses it: they would only detect that another client deleted a parent. NOT ENFORCED exists since
PostgreSQL 18; before, the keys are enforced.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from consumer.store.connect import Connection, maintenance_connection
from consumer.store.errors import DataRejectedError, translate_errors


class OrphanRowsError(Exception):
    """Orphan rows prevent foreign keys from being enforced."""

    def __init__(self, counts: Mapping["ForeignKey", int]) -> None:
        listed = "; ".join(f"{key}: {count} rows" for key, count in counts.items())
        super().__init__(
            f"rows without a parent prevent this: {listed}. Correct or delete them, and try again: "
            "`migration-consumer doctor` counts them; the other references are enforced"
        )


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A declared foreign key of one column, by quoted names."""

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
    """The foreign keys that Postgres does not check."""
    if connection.get_server_version() < (18, 0):
        return []
    return [ForeignKey(*row) for row in await connection.fetch(NOT_ENFORCED)]


async def count_orphan_rows(connection: Connection, key: ForeignKey) -> int:
    """How many rows refer to a parent that does not exist."""
    query = (
        f"select count(*) from {key.table} c where c.{key.column} is not null "  # noqa: S608 – quoted names
        f"and not exists (select from {key.parent} p where p.{key.parent_column} = c.{key.column})"
    )
    return int(await connection.fetchval(query))


async def enforce(connection: Connection, key: ForeignKey) -> bool:
    """Enforce a foreign key and validate the existing rows; False if orphan rows prevent it.

    Raises DatabaseUnavailableError, TransactionConflictError where a load holds a lock, QueryError.
    """
    try:
        with translate_errors():
            await connection.execute(f"alter table {key.table} alter constraint {key.name} enforced")
    except DataRejectedError:
        return False
    return True


async def count_all_orphans(dsn: str) -> AsyncIterator[tuple[ForeignKey, int]]:
    """The number of orphan rows of each foreign key that is not enforced; reads whole tables.

    Raises DatabaseUnavailableError, QueryError.
    """
    async with maintenance_connection(dsn) as connection:
        for key in await list_not_enforced(connection):
            yield key, await count_orphan_rows(connection, key)


async def enforce_all(dsn: str) -> list[ForeignKey]:
    """Enforce every foreign key that is not; returns those. Each is committed by itself.

    Raises OrphanRowsError after enforcing all others, and what `enforce` raises.
    """
    async with maintenance_connection(dsn) as connection:
        keys = await list_not_enforced(connection)
        failed = [key for key in keys if not await enforce(connection, key)]
        if failed:
            raise OrphanRowsError({key: await count_orphan_rows(connection, key) for key in failed})
        return keys
