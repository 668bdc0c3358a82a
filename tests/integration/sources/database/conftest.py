"""A source database with the table `chats` for each test."""

import asyncio
import os
from collections.abc import Callable, Iterator

import asyncpg
import pytest

from devstack.stack import Stack
from tests.integration.sources.database.certificates import write_certificate
from tests.integration.sources.database.source_database import CREATE_CHATS, dsn_with, execute


@pytest.fixture
def dsn(empty_database_url: str) -> str:
    """The DSN of a database with an empty table `chats`."""
    execute(empty_database_url, CREATE_CHATS)
    return empty_database_url


@pytest.fixture
def unprivileged_dsn(stack: Stack, dsn: str) -> Iterator[str]:
    """The DSN of the same database for a user without permissions."""
    user = f"guest_{os.getpid()}"
    stack.execute(f"create role {user} login password 'guest'")
    try:
        yield dsn_with(dsn, user=user, password="guest")
    finally:
        execute(dsn, f"drop owned by {user}")
        stack.execute(f"drop role {user}")


@pytest.fixture
def win1251_dsn(stack: Stack) -> Iterator[str]:
    """The DSN of a database in the encoding WIN1251."""
    yield from _encoded(stack, "WIN1251")


@pytest.fixture
def ascii_dsn(stack: Stack) -> Iterator[str]:
    """The DSN of a database in the encoding SQL_ASCII, which declares no meaning of bytes."""
    yield from _encoded(stack, "SQL_ASCII")


def _encoded(stack: Stack, encoding: str) -> Iterator[str]:
    name = f"encoded_{os.getpid()}"
    stack.execute(
        f"create database {name} encoding '{encoding}' template template0 "
        "locale_provider libc lc_collate 'C' lc_ctype 'C'"
    )
    address = stack.database_url_for(name)
    try:
        execute(address, CREATE_CHATS)
        yield address
    finally:
        stack.drop_database(name)


@pytest.fixture
def open_transaction(dsn: str) -> Iterator[Callable[[str], None]]:
    """Runs a statement in a transaction that stays open until the end of the test."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(dsn))
        runner.run(connection.execute("begin"))

        def hold(statement: str) -> None:
            runner.run(connection.execute(statement))

        yield hold
        runner.run(connection.close())


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a self-signed certificate with its key."""
    return write_certificate(tmp_path_factory.mktemp("tls") / "server.pem")
