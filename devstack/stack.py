"""One Kafka and one Postgres that are running; `stack_kinds.start_stack` starts them."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from devstack.server import Server

T = TypeVar("T")


@dataclass
class Stack:
    """Running servers; `env` holds the settings with which clients reach them. A context manager.

    `brokers` and `postgres` are set on the embedded stack only, for tests that kill or freeze a server.
    """

    kind: str
    env: dict[str, str]
    close: Callable[[], None] = lambda: None
    brokers: list[Server] = field(default_factory=list)
    postgres: Server | None = None

    @property
    def servers(self) -> list[Server]:
        """Every server that this stack started as a process."""
        return [*self.brokers, *([self.postgres] if self.postgres else [])]

    @property
    def bootstrap_servers(self) -> str:
        """Kafka's addresses."""
        return self.env["KAFKA_BOOTSTRAP_SERVERS"]

    @property
    def database_url(self) -> str:
        """Postgres, as a user who may create databases."""
        return self.env["DATABASE_URL"]

    def stop(self) -> None:
        """Stop the servers that this stack started; may be called again."""
        self.close()

    def create_database(self, name: str, template: str = "template1") -> str:
        """Create a database, empty or a copy of another, and return its URL."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.database_url_for(name)

    def drop_database(self, name: str) -> None:
        """Drop a database and terminate its sessions."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def database_url_for(self, name: str) -> str:
        """The URL of another database on the same server."""
        return urlsplit(self.database_url)._replace(path=f"/{name}").geturl()

    def execute(self, sql: str) -> None:
        """Run SQL, maybe several statements, in the stack's first database."""
        _run_in_thread(_execute(self.database_url, sql))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def fetch_blocking(url: str, query: str, *values: object) -> list[Any]:
    """Run one statement on a connection of its own and return its rows; works inside an event loop, too."""
    return _run_in_thread(_fetch(url, query, *values))


async def _execute(url: str, sql: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def _fetch(url: str, query: str, *values: object) -> list[Any]:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query, *values))
    finally:
        await connection.close()


def _run_in_thread(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in an event loop of another thread."""
    results: list[T] = []
    errors: list[BaseException] = []

    def target() -> None:
        try:
            results.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
