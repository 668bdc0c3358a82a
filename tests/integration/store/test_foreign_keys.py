"""Foreign keys that are not enforced: orphan rows are counted, and prevent enforcing."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from consumer.store import foreign_keys
from consumer.store.database import Database
from consumer.store.errors import TransactionConflictError
from consumer.store.foreign_keys import OrphanRowsError
from tests.support.job_factories import execute, fetch

INSERT_ORPHANS = "insert into directory.groups (university_id, name) values (7, 'a'), (8, 'b')"
LOCK_GROUPS = "lock table directory.groups in access share mode"


@pytest_asyncio.fixture
async def database(database: Database) -> AsyncIterator[Database]:
    async with database.transaction() as connection:
        if connection.get_server_version() < (18, 0):
            pytest.skip("before PostgreSQL 18 every reference is enforced")
    yield database


async def _orphan_counts(database: Database) -> dict[str, int]:
    return {str(key): count async for key, count in foreign_keys.count_all_orphans(database.dsn)}


async def test_every_reference_is_enforced_once(database: Database) -> None:
    before = await _orphan_counts(database)
    assert set(before.values()) == {0}
    changed = await foreign_keys.enforce_all(database.dsn)
    assert {str(key) for key in changed} == before.keys()
    assert "directory.chats.university_id → directory.universities" in before
    assert await foreign_keys.enforce_all(database.dsn) == []


async def test_orphans_are_counted_by_key_and_block_no_other_key(database: Database) -> None:
    await execute(database, INSERT_ORPHANS)
    held = "directory.groups.university_id → directory.universities"
    with pytest.raises(
        OrphanRowsError, match=f"without a parent prevent this: {held}: 2 rows. Correct or delete them"
    ):
        await foreign_keys.enforce_all(database.dsn)
    assert await _orphan_counts(database) == {held: 2}
    await execute(database, "delete from directory.groups")
    assert [str(key) for key in await foreign_keys.enforce_all(database.dsn)] == [held]


async def test_running_load_makes_enforcing_a_conflict(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(LOCK_GROUPS)
        with pytest.raises(TransactionConflictError):
            await foreign_keys.enforce_all(f"{database.dsn}?lock_timeout=100")
    assert await fetch(database, "select count(*) from pg_constraint where not conenforced") != [(0,)]
