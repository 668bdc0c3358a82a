"""Listens for notifications of Postgres, which wake loops early. They may get lost, so loops also poll."""

import asyncio
from collections.abc import Callable, Mapping

from consumer.runtime import failpoints
from consumer.store.connect import DedicatedConnection, open_listening_connection
from consumer.store.errors import DatabaseUnavailableError, auth_failure_as_outage, translate_errors
from messaging.timeouts import wait_event

PING_INTERVAL_SECONDS = 3
"""A connection that only listens does not notice an unresponsive server: it is pinged this often."""
PING_TIMEOUT_SECONDS = 5
CONNECT_TIMEOUT_SECONDS = 8


async def listen(
    dsn: str, channels: Mapping[str, Callable[[str], None]], heartbeat: Callable[[], None] = lambda: None
) -> None:
    """Pass each payload to the callback of its channel until the connection is lost.

    Then raises DatabaseUnavailableError. `heartbeat` is called after each answer of the server.
    """
    with auth_failure_as_outage(), translate_errors():
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            connection = await open_listening_connection(dsn, dict(channels))
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    try:
        for callback in channels.values():
            callback("")  # for notifications sent before this connection
        heartbeat()
        await failpoints.failpoint("listener.poll")
        while not await wait_event(lost, PING_INTERVAL_SECONDS):
            await _ping(connection)
            heartbeat()
            await failpoints.failpoint("listener.poll")
        raise DatabaseUnavailableError("the listening connection to Postgres was closed")
    finally:
        connection.terminate()


async def _ping(connection: DedicatedConnection) -> None:
    with translate_errors():
        await connection.fetchval("select 1", timeout=PING_TIMEOUT_SECONDS)
