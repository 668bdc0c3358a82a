"""A row that only Postgres rejects is found by bisecting the batch; all other rows are stored."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from consumer.store.batches import Batch
from consumer.store.bisect_rejected import find_rejected_rows
from tests.support.chat_loads import CHATS_DATASET, TODAY, load_chats, make_chunk, start_attempt

Table = Callable[[str], Awaitable[list[tuple[Any, ...]]]]

PHONE = "9161234567"
ADD_FAILING_TRIGGER = """
create function refuse() returns trigger language plpgsql as $$
begin
  raise exception 'no' using errcode = '22000';
end $$;
create trigger refuse before insert on directory.chats
for each row when (new.name = 'refused') execute function refuse()
"""


@pytest.fixture
async def rejecting_database_url(database_url: str) -> str:
    connection = await asyncpg.connect(database_url)
    await connection.execute(ADD_FAILING_TRIGGER)
    await connection.close()
    return database_url


def rows(rejected: int) -> list[dict[str, object]]:
    """Ten rows; the last one has the url of the rejected one."""
    names = ["refused" if number == rejected else f"Чат {number}" for number in range(9)]
    links = [*range(9), rejected]
    return [
        {
            "url": f"https://max.ru/{link}",
            "inn": "7707083893",
            "name": name,
            "group": f"Г-{link}",
            "phone": PHONE,
        }
        for link, name in zip(links, [*names, "Чат снова"], strict=True)
    ]


@pytest.mark.parametrize("rejected", [0, 4, 8])
async def test_rejected_row_is_found_and_the_others_are_stored(
    rejecting_database_url: str, read_table: Table, rejected: int
) -> None:
    validated = CHATS_DATASET.make_validator("excel", TODAY).validate(make_chunk(rows(rejected)), {})
    copy_streams = {name: memoryview(text) for name, text in validated.copy_streams.items()}
    batch = Batch(11, validated.accepted, validated.rejected, validated.warnings, copy_streams)
    async with start_attempt(rejecting_database_url) as attempt:
        sqlstates = await find_rejected_rows(attempt.connection, attempt.merge, batch)
    assert sqlstates == {rejected + 2: "22000"}

    loaded = await load_chats(rejecting_database_url, rows(rejected), rejected_by_database=sqlstates)
    assert loaded.counts() == (9, 0, 0, 0)
    assert list(loaded.rejected_rows) == [rejected + 2]
    assert len(await read_table("chat_groups")) == len(await read_table("administrators")) == 9
