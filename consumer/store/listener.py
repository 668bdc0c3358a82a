"""Hears notifications from Postgres: hints that wake a loop early. Hints get lost, so loops poll too."""

import asyncio
from collections.abc import Callable, Mapping

from consumer import faults
from consumer.store.connect import OwnConnection, open_listening_connection
from consumer.store.errors import DatabaseUnavailable, let_in_before, mapped
from consumer.wake import wait_for

CHECK_SECONDS = 3
"""A silent peer is not noticed by a connection that only listens: ask it this often."""
ANSWER_SECONDS = 5
OPEN_SECONDS = 8


async def listen(
    dsn: str, channels: Mapping[str, Callable[[str], None]], alive: Callable[[], None] = lambda: None
) -> None:
    """Call back with each notification until the connection is lost; raises DatabaseUnavailable then.

    `alive` is called whenever the connection was seen to answer.
    """
    with let_in_before(), mapped():
        async with asyncio.timeout(OPEN_SECONDS):
            connection = await open_listening_connection(dsn, dict(channels))
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    try:
        for call in channels.values():
            call("")  # what was said while nobody listened
        alive()
        await faults.reach("listener.round")
        while not await wait_for(lost, CHECK_SECONDS):
            await _check(connection)
            alive()
            await faults.reach("listener.round")
        raise DatabaseUnavailable("the listening connection to Postgres was closed")
    finally:
        connection.terminate()


async def _check(connection: OwnConnection) -> None:
    with mapped():
        await connection.fetchval("select 1", timeout=ANSWER_SECONDS)
