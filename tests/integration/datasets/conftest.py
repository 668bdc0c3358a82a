"""A database for loads of chats."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.chat_loads import directory_tables

ReadTable = Callable[[str], Awaitable[list[tuple[Any, ...]]]]


@pytest.fixture
def read_table(database_url: str) -> ReadTable:
    """The content of one table by natural keys."""

    async def content(name: str) -> list[tuple[Any, ...]]:
        return (await directory_tables(database_url))[name]

    return content
