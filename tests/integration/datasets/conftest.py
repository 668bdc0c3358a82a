"""A database for loads of chats."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.chat_loads import tables

Tables = Callable[[str], Awaitable[list[tuple[Any, ...]]]]


@pytest.fixture
def table(database_url: str) -> Tables:
    """The content of one table by natural keys."""

    async def content(name: str) -> list[tuple[Any, ...]]:
        return (await tables(database_url))[name]

    return content
