"""Opens pools and connections to Postgres, with a timeout on every wait."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from consumer.store.dsn import to_asyncpg
from consumer.store.errors import translate_errors
from consumer.store.outage import OutageLog

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    DedicatedConnection = asyncpg.Connection[asyncpg.Record]
    PooledConnection = PoolConnectionProxy[asyncpg.Record]
    Connection = DedicatedConnection | PooledConnection
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    DedicatedConnection = PooledConnection = Connection = asyncpg.Connection
    Pool = asyncpg.Pool
Row = asyncpg.Record

CONTROL_COMMAND_SECONDS = 10
ACQUIRE_SECONDS = 5
CLOSE_SECONDS = 5
DATA_STATEMENT_SECONDS = 120
"""One statement of a batch transaction; the caller limits the transaction."""
MAINTENANCE_COMMAND_SECONDS = 3600
"""A statement over whole tables, run by an operator."""
IDLE_IN_TRANSACTION_SECONDS = 15
"""A client that is frozen between two statements loses its locks after this."""
CONTROL_IDLE_SECONDS = 5
"""Shorter: these backends are not recorded on a lease, so a takeover cannot terminate them, only wait."""

KEEPALIVE = {
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

CONTROL_SETTINGS = KEEPALIVE | {
    "application_name": "chat-migration control",
    "statement_timeout": f"{CONTROL_COMMAND_SECONDS}s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": f"{CONTROL_IDLE_SECONDS}s",
}

DATA_SETTINGS = KEEPALIVE | {
    "application_name": "chat-migration batches",
    "statement_timeout": f"{DATA_STATEMENT_SECONDS}s",
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS}s",
    # Staging tables have no statistics: JIT and bitmap scans cost more than they save.
    "jit": "off",
    "enable_bitmapscan": "off",
    "work_mem": "64MB",
    "temp_buffers": "64MB",
}


async def open_pool(dsn: str, *, size: int, outage_log: OutageLog) -> Pool:
    """A pool for short statements; every new connection is reported to `outage_log`."""
    asyncpg_dsn, connect_seconds = to_asyncpg(dsn)
    return await asyncpg.create_pool(
        asyncpg_dsn,
        min_size=1,
        max_size=size,
        connect=outage_log.connect,
        timeout=connect_seconds,
        command_timeout=CONTROL_COMMAND_SECONDS,
        max_inactive_connection_lifetime=60,
        server_settings=CONTROL_SETTINGS,
    )


async def open_data_connection(dsn: str) -> DedicatedConnection:
    """The connection of an attempt, which holds its temp tables.

    Without a statement cache: it would keep plans made while the staging tables were empty.
    """
    asyncpg_dsn, connect_seconds = to_asyncpg(dsn)
    return await asyncpg.connect(
        asyncpg_dsn,
        timeout=connect_seconds,
        command_timeout=DATA_STATEMENT_SECONDS,
        statement_cache_size=0,
        server_settings=DATA_SETTINGS,
    )


async def open_maintenance_connection(dsn: str) -> DedicatedConnection:
    """A connection for statements over whole tables, up to MAINTENANCE_COMMAND_SECONDS each."""
    asyncpg_dsn, connect_seconds = to_asyncpg(dsn)
    return await asyncpg.connect(
        asyncpg_dsn,
        timeout=connect_seconds,
        command_timeout=MAINTENANCE_COMMAND_SECONDS,
        server_settings=KEEPALIVE
        | {"application_name": "chat-migration maintenance", "statement_timeout": "0"},
    )


@asynccontextmanager
async def maintenance_connection(dsn: str) -> AsyncIterator[DedicatedConnection]:
    """A maintenance connection that is closed at the end; raises the errors of `consumer.store.errors`."""
    with translate_errors():
        connection = await open_maintenance_connection(dsn)
        try:
            yield connection
        finally:
            await connection.close(timeout=CLOSE_SECONDS)


async def open_listening_connection(
    dsn: str, channels: dict[str, Callable[[str], Any]]
) -> DedicatedConnection:
    """A connection that calls the callback of a channel with the payload of each notification."""
    asyncpg_dsn, connect_seconds = to_asyncpg(dsn)
    connection: DedicatedConnection = await asyncpg.connect(
        asyncpg_dsn,
        timeout=connect_seconds,
        command_timeout=CONTROL_COMMAND_SECONDS,
        server_settings=CONTROL_SETTINGS,
    )
    try:
        for channel, callback in channels.items():
            await connection.add_listener(
                channel, lambda _c, _p, _ch, payload, callback=callback: callback(str(payload))
            )
    except BaseException:
        connection.terminate()
        raise
    return connection
