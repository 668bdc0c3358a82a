"""Hears notifications from Postgres: hints that wake a loop early. Hints get lost, so loops poll too."""

import asyncio
from collections.abc import Callable, Mapping

from consumer import faults
from consumer.store.connect import CONTROL_COMMAND_SECONDS, OwnConnection, open_listening_connection
from consumer.store.errors import DatabaseUnavailable, mapped
from consumer.wake import wait_for

CHECK_SECONDS = 10
"""A silent peer is not noticed by a connection that only listens: ask it this often."""


async def listen(dsn: str, channels: Mapping[str, Callable[[str], None]]) -> None:
    """Call back with each notification until the connection is lost; raises DatabaseUnavailable then."""
    with mapped():
        connection = await open_listening_connection(dsn, dict(channels))
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    try:
        for call in channels.values():
            call("")  # what was said while nobody listened
        await faults.reach("listener.round")
        while not await wait_for(lost, CHECK_SECONDS):
            await _check(connection)
            await faults.reach("listener.round")
        raise DatabaseUnavailable("the listening connection to Postgres was closed")
    finally:
        connection.terminate()


async def _check(connection: OwnConnection) -> None:
    with mapped():
        await connection.fetchval("select 1", timeout=CONTROL_COMMAND_SECONDS)
