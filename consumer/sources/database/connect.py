"""A session in somebody else's Postgres: one read-only snapshot, and a limit on every wait."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg

from consumer.sources.database.address import Address, WrongAddress

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection
Row = asyncpg.Record

APPLICATION = "chat-migration source"
SETTINGS = {
    "statement_timeout": "120s",
    "lock_timeout": "10s",
    # While the rows handed out are checked and stored; a pause of our own Postgres counts.
    "idle_in_transaction_session_timeout": "15min",
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
"""What the options of the address do not say. Set inside the transaction: poolers refuse it at the start."""

GRACE_SECONDS = 10.0
"""How much longer than the server we wait for an answer: its own word says more than our silence."""
UNLIMITED_SECONDS = 3_600.0
"""Where the address switches statement_timeout off."""
CLOSE_SECONDS = 2.0
DNS_PAUSES = (0.5, 1.0, None)
"""Seconds before a name is looked up again that could not be just now; after the last, None, not again."""

BEGIN = "begin isolation level repeatable read read only"
SET = "select set_config(name, value, true) from unnest($1::text[], $2::text[]) as given (name, value)"
STATEMENT_TIMEOUT = "select setting::bigint from pg_catalog.pg_settings where name = 'statement_timeout'"


class Session:
    """A connection with its one transaction; every statement has a limit, also where the server is frozen."""

    def __init__(self, connection: Connection, limit: float) -> None:
        self._connection = connection
        self._limit = limit

    async def rows(self, sql: str, *values: Any) -> list[Row]:
        """All rows of a query."""
        return await self._connection.fetch(sql, *values, timeout=self._limit)

    async def row(self, sql: str, *values: Any) -> Row:
        """The one row of a query that has one."""
        row = await self._connection.fetchrow(sql, *values, timeout=self._limit)
        assert row is not None  # noqa: S101
        return row

    async def close(self) -> None:
        """End the transaction and the connection, within CLOSE_SECONDS; harmless when called again."""
        away = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
        with suppress(*away):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connection.execute("rollback")
                await self._connection.close()
        self._connection.terminate()


async def open_session(address: Address) -> Session:
    """Connect and take the snapshot.

    Raises WrongAddress, OSError, and what asyncpg raises.
    """
    connection = await _connected(address)
    try:
        await connection.execute(BEGIN, timeout=GRACE_SECONDS)
        return Session(connection, await _settle(connection, SETTINGS | address.settings))
    except BaseException:
        connection.terminate()
        raise


async def _connected(address: Address) -> Connection:
    for pause in DNS_PAUSES:
        try:
            return await _connected_once(address)
        except socket.gaierror as error:
            if pause is None or error.errno != socket.EAI_AGAIN:
                raise
            await asyncio.sleep(pause)
    raise AssertionError("the last pause is None")


async def _connected_once(address: Address) -> Connection:
    with _nothing_filled_in():
        try:
            return await asyncpg.connect(
                address.dsn,
                user=address.user,
                password=address.password,
                database=address.database,
                timeout=address.connect_seconds,
                command_timeout=UNLIMITED_SECONDS,
                statement_cache_size=0,
                server_settings={"application_name": APPLICATION},
            )
        except asyncpg.PostgresError:
            raise
        except ValueError as error:
            if isinstance(error, OSError | UnicodeDecodeError):  # a certificate that does not hold is both
                raise
            raise WrongAddress("its hosts, ports, or options cannot be read") from None


@contextmanager
def _nothing_filled_in() -> Iterator[None]:
    """The driver takes what an address leaves out from PG… variables: those are of our own Postgres."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
    try:
        yield
    finally:
        os.environ.update(kept)


async def _settle(connection: Connection, settings: dict[str, str]) -> float:
    """Make the settings of the transaction; how long to wait for a statement, in seconds."""
    try:
        await connection.execute(SET, list(settings), list(settings.values()), timeout=GRACE_SECONDS)
        milliseconds = await connection.fetchval(STATEMENT_TIMEOUT, timeout=GRACE_SECONDS)
    except asyncpg.PostgresError as error:
        if (error.sqlstate or "").startswith(("22", "25001", "42", "55P02")):
            raise WrongAddress("the server does not take one of its options") from None
        raise
    return milliseconds / 1000 + GRACE_SECONDS if milliseconds else UNLIMITED_SECONDS
