"""Connections to our Postgres, with a limit on everything that could wait."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import asyncpg

from consumer.store.dsn import to_asyncpg
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
DATA_STATEMENT_SECONDS = 120
"""One statement of a batch transaction; the transaction as a whole is bounded by its caller."""
MAINTENANCE_COMMAND_SECONDS = 3600
"""A statement that looks at whole tables, asked for by a person who waits."""
IDLE_IN_TRANSACTION_SECONDS = 15
"""A client frozen between two statements lets its locks go after this."""
CONTROL_IDLE_SECONDS = 5
"""Sooner: nobody notes these backends on a lease, so whoever takes over cannot end them, but has to wait."""

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
    # Stage tables have no statistics: compiled plans and bitmap scans cost more than they give.
    "jit": "off",
    "enable_bitmapscan": "off",
    "work_mem": "64MB",
    "temp_buffers": "64MB",
}


async def open_pool(dsn: str, *, size: int, outage_log: OutageLog) -> Pool:
    """A pool for short statements: claims, heartbeats, intake, relay, or reading."""
    known, seconds = to_asyncpg(dsn)
    return await asyncpg.create_pool(
        known,
        min_size=1,
        max_size=size,
        connect=outage_log.connect,
        timeout=seconds,
        command_timeout=CONTROL_COMMAND_SECONDS,
        max_inactive_connection_lifetime=60,
        server_settings=CONTROL_SETTINGS,
    )


async def open_data_connection(dsn: str) -> DedicatedConnection:
    """The one connection of an attempt: its temp tables live and die with it.

    No statement cache: a plan made while the stage tables were empty would be kept for full ones.
    """
    known, seconds = to_asyncpg(dsn)
    return await asyncpg.connect(
        known,
        timeout=seconds,
        command_timeout=DATA_STATEMENT_SECONDS,
        statement_cache_size=0,
        server_settings=DATA_SETTINGS,
    )


async def open_maintenance_connection(dsn: str) -> DedicatedConnection:
    """A connection for a person's questions about whole tables: no statement of it is ended early."""
    known, seconds = to_asyncpg(dsn)
    return await asyncpg.connect(
        known,
        timeout=seconds,
        command_timeout=MAINTENANCE_COMMAND_SECONDS,
        server_settings=KEEPALIVE
        | {"application_name": "chat-migration maintenance", "statement_timeout": "0"},
    )


async def open_listening_connection(
    dsn: str, channels: dict[str, Callable[[str], Any]]
) -> DedicatedConnection:
    """A connection that calls back with the payload of every notification on the channels."""
    known, seconds = to_asyncpg(dsn)
    connection: DedicatedConnection = await asyncpg.connect(
        known,
        timeout=seconds,
        command_timeout=CONTROL_COMMAND_SECONDS,
        server_settings=CONTROL_SETTINGS,
    )
    try:
        for channel, call in channels.items():
            await connection.add_listener(channel, lambda _c, _p, _ch, payload, call=call: call(str(payload)))
    except BaseException:
        connection.terminate()
        raise
    return connection
