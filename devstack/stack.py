"""One Kafka and one Postgres, whichever way they are had: `with start("embedded") as stack`."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from devstack.errors import StackError
from devstack.server import Server

STACK_KINDS = ("auto", "embedded", "docker", "external")


@dataclass
class Stack:
    """Running servers, and in `env` what a service needs to know of them. A context manager.

    `brokers` and `postgres` are there on the embedded stack only, for tests that kill or freeze a server.
    """

    kind: str
    env: dict[str, str]
    close: Callable[[], None] = lambda: None
    brokers: list[Server] = field(default_factory=list)
    postgres: Server | None = None

    @property
    def servers(self) -> list[Server]:
        """Every server that was started here and can be looked after."""
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
        """Stop the servers that were started here; harmless when called again."""
        self.close()

    def create_database(self, name: str, template: str = "template1") -> str:
        """Make a database, empty or a copy of another, and give its address."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.database_url_for(name)

    def drop_database(self, name: str) -> None:
        """Remove a database and cut off who is in it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def database_url_for(self, name: str) -> str:
        """The address of another database on the same server."""
        return urlsplit(self.database_url)._replace(path=f"/{name}").geturl()

    def execute(self, sql: str) -> None:
        """Run one statement in the stack's first database."""
        _run_in_thread(_execute(self.database_url, sql))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


async def _execute(url: str, sql: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _run_in_thread(work: Coroutine[object, object, None]) -> None:
    """Run a coroutine to its end, also where an event loop is already running."""
    failure: list[BaseException] = []

    def target() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failure.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]


def choose_stack_kind(kind: str | None = None) -> str:
    """The stack asked for, or else by MIGRATION_STACK, or else what the environment allows."""
    kind = kind or os.environ.get("MIGRATION_STACK") or "auto"
    if kind not in STACK_KINDS:
        raise StackError(
            f"There is no stack '{kind}'; --stack and MIGRATION_STACK take one of {', '.join(STACK_KINDS)}."
        )
    if kind != "auto":
        return kind
    both = os.environ.get("KAFKA_BOOTSTRAP_SERVERS") and os.environ.get("DATABASE_URL")
    return "external" if both else "embedded"


def start_stack(kind: str | None = None, brokers: int = 1, directory: Path | None = None) -> Stack:
    """Start Kafka and Postgres and return when both are ready.

    Args:
        kind: one of KINDS; None asks the environment.
        brokers: how many; more than one is for the embedded stack.
        directory: where data and logs of the embedded stack stay; None is a folder that goes with the stack.
    """
    kind = choose_stack_kind(kind)
    if kind != "embedded" and brokers != 1:
        raise StackError(f"{brokers} brokers can be had from the embedded stack only, not from '{kind}'.")
    match kind:
        case "embedded":
            from devstack import embedded

            return embedded.start(brokers, directory)
        case "docker":
            from devstack import containers

            return containers.start()
        case _:
            return external_stack()


def external_stack() -> Stack:
    """Servers that are already running, by the environment."""
    names = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise StackError(f"The external stack needs {' and '.join(missing)} in the environment.")
    return Stack("external", {name: os.environ[name] for name in names})
