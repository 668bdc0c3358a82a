"""A transaction on a pooled connection under one deadline, from acquiring it to releasing it.

At the deadline the connection is terminated, so that a call that waits for an unresponsive server fails at
once. Rolling back on that connection would wait again.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import asyncpg
from asyncpg.transaction import Transaction

from consumer.store.connect import ACQUIRE_SECONDS, Connection, Pool, PooledConnection
from consumer.store.errors import DatabaseUnavailableError, translate_errors

BEGIN_SECONDS = 10
"""`begin` takes milliseconds; without this limit a batch would wait minutes for an unresponsive server."""
ROLLBACK_SECONDS = 2
"""A rollback takes milliseconds; terminating the connection has the same effect."""
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
    """A transaction limited to `timeout` seconds in all; raises the errors of `consumer.store.errors`.

    Other exceptions raised inside pass unchanged. After the commit, errors of the connection are ignored.
    """
    deadline = asyncio.get_running_loop().time() + timeout
    with translate_errors():
        connection = await pool.acquire(timeout=min(ACQUIRE_SECONDS, timeout))
        try:
            with terminate_at(deadline, connection, timeout):
                async with begin(connection, readonly=readonly):
                    yield connection
        finally:
            await _release(pool, connection)


@asynccontextmanager
async def begin(connection: Connection, *, readonly: bool = False) -> AsyncIterator[None]:
    """A transaction whose rollback is limited: a connection that does not answer it is terminated."""
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
    """Terminate the connection at `deadline`. The task is not cancelled: other waits go on."""
    expired = False

    def expire() -> None:
        nonlocal expired
        expired = True
        _terminate(connection)

    timer = asyncio.get_running_loop().call_at(deadline, expire)
    try:
        yield
    except (asyncpg.InterfaceError, asyncpg.PostgresConnectionError):
        if not expired:
            raise
        raise DatabaseUnavailableError(f"no answer from Postgres within {timeout:g} s") from None
    finally:
        timer.cancel()


def _terminate(connection: Connection) -> None:
    with suppress(asyncpg.InterfaceError):  # already closed and released by the pool
        connection.terminate()


async def _commit(connection: Connection, transaction: Transaction) -> None:
    """Commit. After an error of the server it has rolled back; after any other the outcome is unknown."""
    try:
        await transaction.commit()
    except asyncpg.PostgresError:
        raise
    except BaseException:
        _terminate(connection)
        raise


async def _roll_back(connection: Connection, transaction: Transaction) -> None:
    """Roll back, or terminate the connection; raises only a cancellation."""
    try:
        async with asyncio.timeout(ROLLBACK_SECONDS):
            await transaction.rollback()
    except DRIVER_ERRORS:
        _terminate(connection)
    except BaseException:
        _terminate(connection)
        raise


async def _release(pool: Pool, connection: PooledConnection) -> None:
    """Release the connection; the pool replaces one that it cannot reset."""
    with suppress(*DRIVER_ERRORS):
        await pool.release(connection, timeout=RELEASE_SECONDS)
