"""Checks a connection without reading a table, for `migration-consumer doctor`."""

from consumer.sources.database.connect import open_session
from consumer.sources.database.dsn import parse_dsn
from consumer.sources.database.errors import translate_errors
from consumer.sources.database.event_loop import PrivateEventLoop

SERVER_VERSION = "select pg_catalog.current_setting('server_version') as version"


def check_connection(dsn: str, name: str) -> str:
    """Connect as a source does; returns a sentence with the server's version.

    Blocks for seconds: call it in a thread. Raises the MigrationError that a job would fail with.
    """
    loop = PrivateEventLoop()
    try:
        with translate_errors(name):
            version = loop.run(_server_version(dsn))
    finally:
        loop.close()
    return f"connection «{name}»: PostgreSQL {version}, read only"


async def _server_version(dsn: str) -> str:
    session = await open_session(parse_dsn(dsn))
    try:
        return str((await session.fetch_one(SERVER_VERSION))["version"])
    finally:
        await session.close()
