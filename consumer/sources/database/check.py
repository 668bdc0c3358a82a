"""A look at a connection without reading from it, for `migration-consumer doctor`."""

from consumer.sources.database.address import parse
from consumer.sources.database.connect import open_session
from consumer.sources.database.errors import mapped
from consumer.sources.database.loop import Loop

VERSION = "select pg_catalog.current_setting('server_version') as version"


def check(dsn: str, name: str) -> str:
    """Connect as a source does, and say so in a sentence. Blocks for seconds: call it in a thread.

    Raises the errors of `consumer.errors` that a job would fail with.
    """
    loop = Loop()
    try:
        with mapped(name):
            version = loop.run(_version(dsn))
    finally:
        loop.close()
    return f"connection «{name}»: PostgreSQL {version}, read only"


async def _version(dsn: str) -> str:
    session = await open_session(parse(dsn))
    try:
        return str((await session.row(VERSION))["version"])
    finally:
        await session.close()
