"""Every test of the store has a migrated database of its own, with the tables of a minimal dataset."""

from collections.abc import AsyncIterator

import pytest_asyncio

from consumer.store.database import Database
from tests.integration.store import minimal_dataset


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url)
    async with opened.transaction() as connection:
        await connection.execute(minimal_dataset.TABLES)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def other_replica_database(database: Database) -> AsyncIterator[Database]:
    """The same database with the pools of another replica."""
    opened = await Database.open(database.dsn)
    yield opened
    await opened.close()
