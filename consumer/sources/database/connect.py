"""A session in the source's Postgres: one read-only snapshot, with a timeout on every statement."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg

from consumer.sources.database.dsn import ConnectionParams, InvalidSourceDsnError

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection
PgRecord = asyncpg.Record

APPLICATION = "chat-migration source"
DEFAULT_SERVER_SETTINGS = {
    "statement_timeout": "120s",
    "lock_timeout": "10s",
    # Idle while returned rows are checked and stored; an outage of our own Postgres counts.
    "idle_in_transaction_session_timeout": "15min",
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
"""Overridden by options of the DSN. Set inside the transaction, since poolers reject startup parameters."""

CLIENT_TIMEOUT_MARGIN = 10.0
"""Seconds that the client waits longer than the server, whose own timeout error says more."""
NO_STATEMENT_TIMEOUT = 3_600.0
"""Seconds that the client waits if the DSN switches statement_timeout off."""
CLOSE_TIMEOUT = 2.0
DNS_RETRY_DELAYS = (0.5, 1.0, None)
"""Seconds before a host name is resolved again after EAI_AGAIN; None: give up."""

BEGIN_SNAPSHOT = "begin isolation level repeatable read read only"
APPLY_SETTINGS = (
    "select set_config(name, value, true) from unnest($1::text[], $2::text[]) as settings (name, value)"
)
READ_STATEMENT_TIMEOUT = "select setting::bigint from pg_catalog.pg_settings where name = 'statement_timeout'"


class SnapshotSession:
    """A connection with its only transaction.

    Every statement has a timeout on the client too, in case the server is frozen.
    """

    def __init__(self, connection: Connection, statement_timeout: float) -> None:
        self._connection = connection
        self._statement_timeout = statement_timeout

    async def fetch_all(self, sql: str, *values: Any) -> list[PgRecord]:
        """All rows of a query."""
        return await self._connection.fetch(sql, *values, timeout=self._statement_timeout)

    async def fetch_one(self, sql: str, *values: Any) -> PgRecord:
        """The row of a query that returns exactly one."""
        row = await self._connection.fetchrow(sql, *values, timeout=self._statement_timeout)
        assert row is not None  # noqa: S101
        return row

    async def close(self) -> None:
        """End the transaction and the connection within CLOSE_TIMEOUT; idempotent."""
        connection_lost = (
            OSError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
        )
        with suppress(*connection_lost):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._connection.execute("rollback")
                await self._connection.close()
        self._connection.terminate()


async def open_session(params: ConnectionParams) -> SnapshotSession:
    """Connect and begin the snapshot. Raises InvalidSourceDsnError, OSError, and exceptions of asyncpg."""
    connection = await _connect_with_dns_retries(params)
    try:
        await connection.execute(BEGIN_SNAPSHOT, timeout=CLIENT_TIMEOUT_MARGIN)
        return SnapshotSession(
            connection, await _apply_settings(connection, DEFAULT_SERVER_SETTINGS | params.server_settings)
        )
    except BaseException:
        connection.terminate()
        raise


async def _connect_with_dns_retries(params: ConnectionParams) -> Connection:
    for delay in DNS_RETRY_DELAYS:
        try:
            return await _connect(params)
        except socket.gaierror as error:
            if delay is None or error.errno != socket.EAI_AGAIN:
                raise
            await asyncio.sleep(delay)
    raise AssertionError("the last delay is None")


async def _connect(params: ConnectionParams) -> Connection:
    with _without_pg_env():
        try:
            return await asyncpg.connect(
                params.dsn,
                user=params.user,
                password=params.password,
                database=params.database,
                timeout=params.connect_timeout,
                command_timeout=NO_STATEMENT_TIMEOUT,
                statement_cache_size=0,
                server_settings={"application_name": APPLICATION},
            )
        except asyncpg.PostgresError:
            raise
        except ValueError as error:
            if isinstance(error, OSError | UnicodeDecodeError):  # a TLS certificate error is a ValueError too
                raise
            raise InvalidSourceDsnError("its hosts, ports, or options cannot be read") from None


@contextmanager
def _without_pg_env() -> Iterator[None]:
    """Hide PG… variables: the driver fills gaps of a DSN from them, and they belong to our own Postgres."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
    try:
        yield
    finally:
        os.environ.update(hidden)


async def _apply_settings(connection: Connection, settings: dict[str, str]) -> float:
    """Set the settings for the transaction; returns the client's statement timeout in seconds."""
    try:
        await connection.execute(
            APPLY_SETTINGS, list(settings), list(settings.values()), timeout=CLIENT_TIMEOUT_MARGIN
        )
        milliseconds = await connection.fetchval(READ_STATEMENT_TIMEOUT, timeout=CLIENT_TIMEOUT_MARGIN)
    except asyncpg.PostgresError as error:
        if (error.sqlstate or "").startswith(("22", "25001", "42", "55P02")):
            raise InvalidSourceDsnError("the server does not take one of its options") from None
        raise
    return milliseconds / 1000 + CLIENT_TIMEOUT_MARGIN if milliseconds else NO_STATEMENT_TIMEOUT
