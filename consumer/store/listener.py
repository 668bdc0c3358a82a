"""Hears notifications from Postgres: hints that wake a loop early. Hints get lost, so loops poll too."""

import asyncio
from collections.abc import Callable, Mapping

from consumer.runtime import failpoints
from consumer.store.connect import DedicatedConnection, open_listening_connection
from consumer.store.errors import DatabaseUnavailableError, auth_failure_as_outage, translate_errors
from messaging.timeouts import wait_event

PING_INTERVAL_SECONDS = 3
"""A silent peer is not noticed by a connection that only listens: ask it this often."""
PING_TIMEOUT_SECONDS = 5
CONNECT_TIMEOUT_SECONDS = 8


async def listen(
    dsn: str, channels: Mapping[str, Callable[[str], None]], heartbeat: Callable[[], None] = lambda: None
) -> None:
    """Call back with each notification until the connection is lost; raises DatabaseUnavailableError then.

    `heartbeat` is called whenever the connection was seen to answer.
    """
    with auth_failure_as_outage(), translate_errors():
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            connection = await open_listening_connection(dsn, dict(channels))
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    try:
        for call in channels.values():
            call("")  # what was said while nobody listened
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
