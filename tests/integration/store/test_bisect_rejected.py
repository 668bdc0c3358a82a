"""The search finds exactly the rows that Postgres rejects, and leaves nothing in the tables."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest
import pytest_asyncio

from consumer.datasets.base import MergePlan
from consumer.store import batch_writer as sessions
from consumer.store import bisect_rejected
from consumer.store.batch_writer import BatchWriter, RowsRejectedError
from consumer.store.bisect_rejected import find_rejected_rows
from consumer.store.database import Database
from consumer.store.errors import ProgramLimitError
from consumer.store.leases import FencingToken
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import Thing, make_batch, make_things
from tests.support.job_factories import (
    NEAR_WRAPAROUND,
    execute,
    fetch,
    is_waiting_for_lock,
    make_running_job,
    snapshot,
)
from tests.support.wait import wait_until_async

CHECK_VIOLATION, INVALID_TEXT, UNIQUE_VIOLATION = "23514", "22P02", "23505"

ADD_DEFERRED_TRIGGER = """
create function refuse() returns trigger language plpgsql as $$
begin
  raise exception 'no' using errcode = '23514';
end $$;
create constraint trigger refuse after insert on things deferrable initially deferred
for each row when (new.amount = '77') execute function refuse()
"""


@pytest_asyncio.fixture
async def fencing_token(database: Database) -> FencingToken:
    _, fence = await make_running_job(database)
    return fence


@pytest_asyncio.fixture
async def batch_writer(database: Database, fencing_token: FencingToken) -> AsyncIterator[BatchWriter]:
    opened = await BatchWriter.open(database, fencing_token, minimal_dataset.MERGE)
    yield opened
    await opened.close()


def _make_things_with(amounts: Mapping[int, object], *, last: int = 200) -> list[Thing]:
    """Things, some of them with given amounts."""
    return [(p, f"key {p:03}", "kind", amounts.get(p, 1)) for p in range(1, last + 1)]


@pytest.mark.parametrize(
    "invalid",
    [
        {1: 500},
        {200: 500},
        {100: 500},
        {1: 500, 200: 500},
        {7: 500, 8: 500, 9: 500},
        {3: 500, 77: "many", 78: 500, 199: "few"},
        dict.fromkeys(range(1, 201, 20), 500),
    ],
    ids=lambda invalid: ",".join(map(str, invalid)),
)
async def test_exactly_the_rejected_rows_are_found(
    database: Database, batch_writer: BatchWriter, invalid: dict[int, object]
) -> None:
    before = await snapshot(database)
    with pytest.raises(RowsRejectedError) as caught:
        await batch_writer.write(make_batch(_make_things_with(invalid), rejected=[201]))
    states = {
        p: CHECK_VIOLATION if isinstance(amount, int) else INVALID_TEXT for p, amount in invalid.items()
    }
    assert caught.value.rows == states
    assert await snapshot(database) == before


async def test_remaining_rows_are_stored_without_the_rejected_ones(batch_writer: BatchWriter) -> None:
    with pytest.raises(RowsRejectedError) as caught:
        await batch_writer.write(make_batch(_make_things_with({3: 500, 77: "many"})))
    rest = [thing for thing in _make_things_with({}) if thing[0] not in caught.value.rows]
    assert (await batch_writer.write(make_batch(rest))).inserted == 198


async def test_batch_with_all_rows_rejected_names_every_row(batch_writer: BatchWriter) -> None:
    with pytest.raises(RowsRejectedError) as caught:
        await batch_writer.write(make_batch(_make_things_with(dict.fromkeys(range(1, 11), 500), last=10)))
    assert caught.value.rows == dict.fromkeys(range(1, 11), CHECK_VIOLATION)


async def test_search_ends_at_its_limit_of_found_rows(
    batch_writer: BatchWriter,
) -> None:
    last = 2 * bisect_rejected.MAX_FOUND_ROWS
    with pytest.raises(RowsRejectedError) as caught:
        await batch_writer.write(
            make_batch(_make_things_with(dict.fromkeys(range(1, last + 1), 500), last=last))
        )
    assert caught.value.rows == dict.fromkeys(range(1, bisect_rejected.MAX_FOUND_ROWS + 1), CHECK_VIOLATION)


async def test_search_that_times_out_returns_the_rows_found(
    batch_writer: BatchWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bisect_rejected, "SEARCH_SECONDS", 0.0)
    with pytest.raises(RowsRejectedError) as caught:
        await batch_writer.write(make_batch(_make_things_with({9: 500, 90: 500, 190: 500})))
    assert caught.value.rows == {9: CHECK_VIOLATION}


async def test_many_rejected_rows_cost_little_more_than_one(
    database: Database, fencing_token: FencingToken
) -> None:
    """Counted by a sequence, which is not rolled back."""
    await execute(database, "create sequence tried")
    counting = replace(
        minimal_dataset.MERGE,
        statements=("select nextval('tried') from stage_things", *minimal_dataset.MERGE.statements),
    )
    session = await BatchWriter.open(database, fencing_token, counting)
    invalid = dict.fromkeys(range(1, 2001, 50), 500)
    with pytest.raises(RowsRejectedError) as caught:
        await session.write(make_batch(_make_things_with(invalid, last=2000)))
    await session.close()
    assert caught.value.rows == dict.fromkeys(invalid, CHECK_VIOLATION)
    assert (await fetch(database, "select last_value from tried"))[0][0] < 2000 * 15


async def test_row_rejected_only_after_earlier_rows_is_found(
    database: Database, batch_writer: BatchWriter
) -> None:
    await execute(database, "alter table things add unique (amount)")
    numbered = [(p, f"key {p}", "kind", p % 90) for p in range(1, 91)]
    numbered[70] = (71, "key 71", "kind", 5)
    with pytest.raises(RowsRejectedError) as caught:
        await batch_writer.write(make_batch(numbered))
    assert caught.value.rows == {71: UNIQUE_VIOLATION}


async def test_row_rejected_at_commit_is_found(database: Database, batch_writer: BatchWriter) -> None:
    await execute(database, ADD_DEFERRED_TRIGGER)
    with pytest.raises(RowsRejectedError) as caught:
        await batch_writer.write(make_batch(_make_things_with({31: 77})))
    assert caught.value.rows == {31: CHECK_VIOLATION}


async def test_all_rejected_dimensions_are_found_in_one_search(
    database: Database, batch_writer: BatchWriter
) -> None:
    await execute(database, "alter table words add constraint fair check (word <> 'foul')")
    words = ("kind", "rude", "mild", "foul", "kind", "rude")
    things = [(p, f"key {p}", word, 1) for p, word in enumerate(words, 1)]
    with pytest.raises(RowsRejectedError) as caught:
        await batch_writer.write(make_batch(things))
    assert caught.value.rows == {2: CHECK_VIOLATION, 4: CHECK_VIOLATION}


async def test_rejected_dimension_ends_the_search_at_its_row(
    database: Database, batch_writer: BatchWriter
) -> None:
    """Later rows refer to the text, so only a new attempt finds more."""
    things = _make_things_with({2: 500, 9: 500}, last=10)
    things[4] = (5, "key 005", "rude", 1)
    things[6] = (7, "key 007", "rude", 1)
    with pytest.raises(RowsRejectedError) as caught:
        await batch_writer.write(make_batch(things))
    assert caught.value.rows == {2: CHECK_VIOLATION, 5: CHECK_VIOLATION}
    assert await fetch(database, "select * from words") == []


async def test_lasting_unique_violation_is_a_rejection(
    database: Database, fencing_token: FencingToken
) -> None:
    twice = MergePlan(
        minimal_dataset.MERGE.create_temp_tables,
        minimal_dataset.MERGE.staging_tables,
        (
            minimal_dataset.MERGE.statements[0],
            "insert into things select key, word, amount from stage_things",
        ),
        "select count(*) as inserted, 0 as updated, 0 as unchanged, 0 as duplicates, null as warnings "
        "from stage_things",
    )
    session = await BatchWriter.open(database, fencing_token, twice)
    await session.write(make_batch(make_things(2)))
    with pytest.raises(RowsRejectedError) as caught:
        await session.write(
            make_batch([(3, "key 3", "kind", 1), (4, "key 2", "kind", 1), (5, "key 5", "kind", 1)])
        )
    await session.close()
    assert caught.value.rows == {4: UNIQUE_VIOLATION}


async def test_row_with_a_conflict_during_the_search_is_not_rejected(
    database: Database, fencing_token: FencingToken
) -> None:
    session = await BatchWriter.open(database, fencing_token, minimal_dataset.RACING_MERGE)
    faster = await database.data_connection()
    claimed = faster.transaction()
    await claimed.start()
    await faster.execute("insert into things values ('key 003', null, '1')")
    search = asyncio.create_task(
        find_rejected_rows(
            session._connection, minimal_dataset.RACING_MERGE, make_batch(_make_things_with({}))
        )
    )
    await wait_until_async(
        lambda: is_waiting_for_lock(database, "things"), 10, "the search to meet the other transaction"
    )
    await claimed.commit()
    assert await search == {}
    await faster.close()
    await session.close()


@pytest.mark.parametrize("characters", [8_000, 40_000])
async def test_key_too_long_for_its_index_is_found_whatever_the_error_names(
    batch_writer: BatchWriter, characters: int
) -> None:
    """Postgres names the index only if the key fits into a page."""
    long = random.Random(1).randbytes(characters // 2).hex()
    rows_ = [(p, long if p == 77 else f"key {p:03}", "kind", 1) for p in range(1, 201)]
    with pytest.raises(RowsRejectedError) as refused:
        await batch_writer.write(make_batch(rows_))
    assert refused.value.rows == {77: "54000"}


EXHAUST_TRANSACTION_IDS = (
    "do $$ begin raise exception 'near wraparound' using errcode = 'program_limit_exceeded'; end $$"
)


async def test_server_that_accepts_no_writes_rejects_no_row(
    database: Database, batch_writer: BatchWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await execute(database, NEAR_WRAPAROUND.format(table="things"))
    monkeypatch.setattr(sessions, "ASSIGN_TRANSACTION_ID", EXHAUST_TRANSACTION_IDS)
    with pytest.raises(ProgramLimitError):
        await batch_writer.write(make_batch(make_things(1, 2, 3)))
