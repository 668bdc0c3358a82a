"""A transaction on a pooled connection under one deadline, from the pool and back into it.

A server that went silent holds nobody longer: when the time is up the connection is ended from
outside, so that whatever waits on it fails at once. To roll back on it would be to wait again.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import asyncpg
from asyncpg.transaction import Transaction

from consumer.store.connect import ACQUIRE_SECONDS, Connection, Pool, PooledConnection
from consumer.store.errors import DatabaseUnavailableError, translate_errors

BEGIN_SECONDS = 10
"""It takes milliseconds: whoever does not answer it answers nothing, and a batch would wait for minutes."""
ROLLBACK_SECONDS = 2
"""It takes milliseconds; ending the connection does the same."""
RELEASE_SECONDS = 2

DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


@asynccontextmanager
async def transaction(pool: Pool, timeout: float, *, readonly: bool = False) -> AsyncIterator[Connection]:
    """A transaction that has so many seconds in all; raises DatabaseUnavailableError and the like.

    What is raised inside stays what it is, a cancellation above all. Once it has committed, nothing that
    happens to the connection is told any more.
    """
    until = asyncio.get_running_loop().time() + timeout
    with translate_errors():
        connection = await pool.acquire(timeout=min(ACQUIRE_SECONDS, timeout))
        try:
            with terminate_at(until, connection, timeout):
                async with begin(connection, readonly=readonly):
                    yield connection
        finally:
            await _release(pool, connection)


@asynccontextmanager
async def begin(connection: Connection, *, readonly: bool = False) -> AsyncIterator[None]:
    """A transaction whose rollback waits for nobody: where it does not come in time the connection ends."""
    transaction = connection.transaction(readonly=readonly)
    try:
        async with asyncio.timeout(BEGIN_SECONDS):
            await transaction.start()
        yield
    except BaseException:
        await _roll_back(connection, transaction)
        raise
    await _commit(connection, transaction)


@contextmanager
def terminate_at(deadline: float, connection: Connection, timeout: float) -> Iterator[None]:
    """End the connection when the time is up. The task is let be: if it waits for anything else, it hangs."""
    overdue = False

    def expire() -> None:
        nonlocal overdue
        overdue = True
        _terminate(connection)

    timer = asyncio.get_running_loop().call_at(deadline, expire)
    try:
        yield
    except (asyncpg.InterfaceError, asyncpg.PostgresConnectionError):
        if not overdue:
            raise
        raise DatabaseUnavailableError(f"no answer from Postgres within {timeout:g} s") from None
    finally:
        timer.cancel()


def _terminate(connection: Connection) -> None:
    with suppress(asyncpg.InterfaceError):  # it is gone already, and the pool has taken its place back
        connection.terminate()


async def _commit(connection: Connection, transaction: Transaction) -> None:
    """Commit; a server that refuses has rolled back itself, anything else leaves it unknown."""
    try:
        await transaction.commit()
    except asyncpg.PostgresError:
        raise
    except BaseException:
        _terminate(connection)
        raise


async def _roll_back(connection: Connection, transaction: Transaction) -> None:
    """Roll back, or end the connection; raises nothing but a cancellation that comes now."""
    try:
        async with asyncio.timeout(ROLLBACK_SECONDS):
            await transaction.rollback()
    except DRIVER_ERRORS:
        _terminate(connection)
    except BaseException:
        _terminate(connection)
        raise


async def _release(pool: Pool, connection: PooledConnection) -> None:
    """Give the connection back; the pool itself ends one that it cannot reset, and opens another."""
    with suppress(*DRIVER_ERRORS):
        await pool.release(connection, timeout=RELEASE_SECONDS)
