"""Finding the rows that only Postgres refuses: exactly those, and nothing of the search is kept."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from consumer.datasets.base import Merge
from consumer.store.database import Database
from consumer.store.isolate import refused_in
from consumer.store.leases import Fence
from consumer.store.session import RowsRefused, Session
from tests.integration.store import tiny
from tests.integration.store.making import rows, running, snapshot, waits_for
from tests.integration.store.tiny import Thing, batch, things
from tests.support.wait import until_async

CHECK, NUMBER, TAKEN = "23514", "22P02", "23505"


@pytest_asyncio.fixture
async def fence(database: Database) -> Fence:
    _, fence = await running(database)
    return fence


@pytest_asyncio.fixture
async def session(database: Database, fence: Fence) -> AsyncIterator[Session]:
    opened = await Session.open(database, fence, tiny.MERGE)
    yield opened
    await opened.close()


def _spoiled(amounts: dict[int, object], *, last: int = 200) -> list[Thing]:
    """Things of which some have amounts of their own."""
    return [(p, f"key {p:03}", "kind", amounts.get(p, 1)) for p in range(1, last + 1)]


@pytest.mark.parametrize(
    "spoiled",
    [
        {1: 500},
        {200: 500},
        {100: 500},
        {1: 500, 200: 500},
        {7: 500, 8: 500, 9: 500},
        {3: 500, 77: "many", 78: 500, 199: "few"},
        dict.fromkeys(range(1, 201, 20), 500),
    ],
    ids=lambda spoiled: ",".join(map(str, spoiled)),
)
async def test_exactly_the_refused_rows_are_found(
    database: Database, session: Session, spoiled: dict[int, object]
) -> None:
    before = await snapshot(database)
    with pytest.raises(RowsRefused) as caught:
        await session.store(batch(_spoiled(spoiled), rejected=[201]))
    states = {p: CHECK if isinstance(amount, int) else NUMBER for p, amount in spoiled.items()}
    assert caught.value.rows == states
    assert await snapshot(database) == before


async def test_without_the_refused_rows_the_rest_is_stored(session: Session) -> None:
    with pytest.raises(RowsRefused) as caught:
        await session.store(batch(_spoiled({3: 500, 77: "many"})))
    rest = [thing for thing in _spoiled({}) if thing[0] not in caught.value.rows]
    assert (await session.store(batch(rest))).inserted == 198


async def test_a_batch_where_every_row_is_refused_names_every_row(session: Session) -> None:
    with pytest.raises(RowsRefused) as caught:
        await session.store(batch(_spoiled(dict.fromkeys(range(1, 11), 500), last=10)))
    assert caught.value.rows == dict.fromkeys(range(1, 11), CHECK)


async def test_a_refused_line_of_a_dimension_ends_the_search_with_the_row_it_travelled_with(
    database: Database, session: Session
) -> None:
    """Later rows lean on the text, so only a new reading can say more."""
    spoiled = _spoiled({2: 500, 9: 500}, last=10)
    spoiled[4] = (5, "key 005", "rude", 1)
    spoiled[6] = (7, "key 007", "rude", 1)
    with pytest.raises(RowsRefused) as caught:
        await session.store(batch(spoiled))
    assert caught.value.rows == {2: CHECK, 5: CHECK}
    assert await rows(database, "select * from words") == []


async def test_a_key_that_is_taken_for_good_is_refused_like_any_value(
    database: Database, fence: Fence
) -> None:
    twice = Merge(
        tiny.MERGE.session,
        tiny.MERGE.stages,
        (tiny.MERGE.statements[0], "insert into things select key, word, amount from stage_things"),
        "select count(*) as inserted, 0 as updated, 0 as unchanged, 0 as duplicates, null as warnings "
        "from stage_things",
    )
    session = await Session.open(database, fence, twice)
    await session.store(batch(things(2)))
    with pytest.raises(RowsRefused) as caught:
        await session.store(
            batch([(3, "key 3", "kind", 1), (4, "key 2", "kind", 1), (5, "key 5", "kind", 1)])
        )
    await session.close()
    assert caught.value.rows == {4: TAKEN}


async def test_a_row_that_met_a_faster_transaction_while_searching_is_not_blamed(
    database: Database, fence: Fence
) -> None:
    session = await Session.open(database, fence, tiny.RACING)
    faster = await database.data_connection()
    claimed = faster.transaction()
    await claimed.start()
    await faster.execute("insert into things values ('key 003', null, '1')")
    search = asyncio.create_task(refused_in(session._connection, tiny.RACING, batch(_spoiled({}))))
    await until_async(lambda: waits_for(database, "things"), 10, "the search to meet the other transaction")
    await claimed.commit()
    assert await search == {}
    await faster.close()
    await session.close()
