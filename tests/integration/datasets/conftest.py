"""Reads what loads of chats have stored."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.chat_loads import directory_tables

ReadTable = Callable[[str], Awaitable[list[tuple[Any, ...]]]]


@pytest.fixture
def read_table(database_url: str) -> ReadTable:
    """A function: the rows of a table, with natural keys for ids."""

    async def read(name: str) -> list[tuple[Any, ...]]:
        return (await directory_tables(database_url))[name]

    return read
