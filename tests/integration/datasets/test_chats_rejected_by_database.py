"""A row that only Postgres refuses is found by cutting the batch, and takes nothing else with it."""

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


def rows(refused: int) -> list[dict[str, object]]:
    """Ten rows; the link of the refused one comes once more in the last row."""
    names = ["refused" if number == refused else f"Чат {number}" for number in range(9)]
    links = [*range(9), refused]
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


@pytest.mark.parametrize("refused", [0, 4, 8])
async def test_the_refused_row_is_found_and_the_others_are_stored(
    rejecting_database_url: str, read_table: Table, refused: int
) -> None:
    checked = CHATS_DATASET.make_validator("excel", TODAY).validate(make_chunk(rows(refused)), {})
    sections = {name: memoryview(text) for name, text in checked.copy_streams.items()}
    batch = Batch(11, checked.accepted, checked.rejected, checked.warnings, sections)
    async with start_attempt(rejecting_database_url) as trying:
        found = await find_rejected_rows(trying.connection, trying.merge, batch)
    assert found == {refused + 2: "22000"}

    loaded = await load_chats(rejecting_database_url, rows(refused), refused=found)
    assert loaded.counts() == (9, 0, 0, 0)
    assert list(loaded.rejected_rows) == [refused + 2]
    assert len(await read_table("chat_groups")) == len(await read_table("administrators")) == 9
