"""What an attempt makes of the attempt before it."""

from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from consumer.errors import MigrationError
from consumer.sources.base import Opened, Reading
from tests.integration.sources.database.origin import (
    HIGHEST,
    LOWEST,
    add,
    again,
    execute,
    ids,
    opened,
    orders,
    read,
)

ROWS = [LOWEST, -7, -1, 0, 4, 5, 9, 100, 2**40, HIGHEST - 1, HIGHEST]


@pytest.fixture
def before(dsn: str) -> Opened:
    """What a first attempt said of the table of ROWS."""
    add(dsn, ROWS)
    with opened(orders(dsn)) as (_, found):
        return found


@pytest.mark.parametrize("stored", range(len(ROWS) + 1))
def test_going_on_from_any_row_equals_one_go(dsn: str, before: Opened, stored: int) -> None:
    checkpoint = ROWS[stored - 1] if stored else None
    with opened(again(dsn, before, checkpoint, stored)) as (source, found):
        chunks = list(source.chunks())
        assert found == before
        assert source.total == len(ROWS)
    assert ids(chunks) == ROWS
    known = [chunk for chunk in chunks if set(chunk.columns) == {"url"}]
    rest = [chunk for chunk in chunks if set(chunk.columns) == {"inn", "name", "url", "phone"}]
    assert known + rest == chunks
    assert ids(known) == ROWS[:stored]
    assert [text for chunk in chunks for text in chunk.columns["url"]] == [f"url {i}" for i in ROWS]


def test_of_rows_that_are_stored_key_and_identity_are_known(dsn: str, before: Opened) -> None:
    chunk = read(again(dsn, before, ROWS[0], 1))[0]
    assert chunk.record(0) == {"id": LOWEST, "url": f"url {LOWEST}"}


def test_rows_added_behind_the_end_are_not_part_of_the_job(dsn: str) -> None:
    add(dsn, range(1, 10))
    with opened(orders(dsn)) as (_, before):
        pass
    add(dsn, range(10, 20))
    with opened(again(dsn, before, 4, 4)) as (source, found):
        assert found == before
        assert source.total == 9
        assert ids(source.chunks()) == list(range(1, 10))


@pytest.mark.parametrize(
    "change",
    [
        f"delete from chats where id = {ROWS[1]}",
        f"delete from chats where id = {ROWS[7]}",
        f"delete from chats where id = {HIGHEST}",
        "insert into chats (id) values (-6)",
        "insert into chats (id) values (6)",
        "update chats set id = 6 where id = -7",
        "update chats set source = 'bot' where id = 100",
    ],
    ids=["deleted, stored", "deleted", "last deleted", "came in, stored", "came in", "moved over", "left"],
)
def test_when_rows_are_not_those_that_were_counted_a_load_begins(
    dsn: str, before: Opened, change: str
) -> None:
    execute(dsn, change)
    with opened(again(dsn, before, ROWS[4], 5)) as (source, found):
        chunks = list(source.chunks())
        assert found.warnings == {"source_changed": 1}
        assert found.fingerprint != before.fingerprint
        assert source.total == len(ids(chunks))
    assert ids(chunks) == ids(read(orders(dsn)))
    assert all(len(chunk.columns) == 4 for chunk in chunks)


def attempt(dsn: str, chunks: int, **more: Any) -> tuple[Opened, Reading]:
    """Read so many chunks, and what the next attempt is told when they are stored."""
    with opened(orders(dsn, **more)) as (source, found):
        read = ids(islice(source.chunks(), chunks))
        kept = replace(found, state=source.state)
    return found, again(dsn, kept, read[-1], len(read))


@pytest.mark.parametrize(
    "changes",
    [
        ["update chats set url = 'other' where id = -1"],
        ["update chats set url = null where id = -1"],
        ["update chats set url = '' where id = -7"],
        [
            "update chats set url = 'url 4', admin_phone = 'x' where id = 0",
            "update chats set url = null where id = 4",
        ],
        ["update chats set id = -2 where id = -1"],
        ["delete from chats where id = 5", "insert into chats (id, url) values (-3, 'url 5')"],
    ],
    ids=["a link", "a link to none", "a link to an empty one", "links", "a key", "another in its place"],
)
def test_a_stored_row_that_changed_begins_a_load_although_their_number_is_the_same(
    dsn: str, changes: list[str]
) -> None:
    add(dsn, ROWS)
    execute(dsn, "update chats set url = null where id = -7")
    before, next_one = attempt(dsn, 2)
    assert next_one.checkpoint == 100
    execute(dsn, *changes)
    with opened(next_one) as (source, found):
        assert found.warnings == {"source_changed": 1}
        assert found.fingerprint != before.fingerprint
        assert ids(source.chunks()) == ids(read(orders(dsn)))


@pytest.mark.parametrize(
    "change",
    [
        "update chats set url = 'other', name = 'x' where id > 100",
        "update chats set name = 'x', admin_phone = null where id <= 100",
    ],
    ids=["not stored yet", "of no identity"],
)
def test_what_changed_elsewhere_is_read_as_it_is_or_left_to_the_next_job(dsn: str, change: str) -> None:
    add(dsn, ROWS)
    before, next_one = attempt(dsn, 2)
    execute(dsn, change)
    with opened(next_one) as (source, found):
        assert (found.fingerprint, dict(found.warnings)) == (before.fingerprint, {})
        assert ids(source.chunks()) == ROWS


@pytest.mark.parametrize("chunk_rows", [1, 3, 100])
def test_stored_rows_are_known_again_in_chunks_of_any_size_and_in_every_attempt(
    dsn: str, chunk_rows: int
) -> None:
    add(dsn, ROWS)
    execute(dsn, "update chats set url = null where id in (-7, 9)")
    before, second = attempt(dsn, 1)
    with opened(replace(second, chunk_rows=chunk_rows)) as (source, found):
        assert found.fingerprint == before.fingerprint
        read = ids(islice(source.chunks(), 9))
        kept = replace(found, state=source.state)
    with opened(again(dsn, kept, read[-1], len(read))) as (source, found):
        assert found.fingerprint == before.fingerprint
        assert ids(source.chunks()) == ROWS


def test_a_digest_of_other_rows_than_those_that_are_stored_says_nothing(dsn: str) -> None:
    """A replica of an older version went on with the load, and left the digest it had found."""
    add(dsn, ROWS)
    before, next_one = attempt(dsn, 1)
    with opened(replace(next_one, checkpoint=ROWS[5], stored=6)) as (_, found):
        assert (found.fingerprint, dict(found.warnings)) == (before.fingerprint, {})
    state = {name: value for name, value in (next_one.state or {}).items() if name not in ("digest", "upto")}
    with opened(replace(next_one, state=state)) as (_, found):
        assert found.fingerprint == before.fingerprint


def test_rows_gone_twice_in_a_run_end_it_and_a_retry_begins_anew(dsn: str, before: Opened) -> None:
    execute(dsn, "delete from chats where id = 0")
    with opened(again(dsn, before, None, 0)) as (_, second):
        assert second.warnings == {"source_changed": 1}
    with opened(again(dsn, second, ROWS[1], 2)) as (_, found):
        assert found == replace(second, warnings={})
    execute(dsn, "delete from chats where id = 100")
    with pytest.raises(MigrationError) as caught, opened(again(dsn, second, ROWS[1], 2)):
        pass
    assert caught.value.code == "source_changed"
    with opened(again(dsn, second, ROWS[1], 2, run=2)) as (source, third):
        assert third.warnings == {"source_changed": 1}
        assert third.fingerprint not in {before.fingerprint, second.fingerprint}
        assert len(ids(source.chunks())) == len(ROWS) - 2


def test_a_load_that_began_anew_can_be_gone_on_with(dsn: str, before: Opened) -> None:
    execute(dsn, "delete from chats where id = 0")
    with opened(again(dsn, before, ROWS[6], 7)) as (_, second):
        pass
    with opened(again(dsn, second, ROWS[1], 2)) as (source, found):
        assert found.fingerprint == second.fingerprint
        assert [set(chunk.columns) == {"url"} for chunk in source.chunks()] == [True, False, False]


def test_a_table_made_again_is_another_one(dsn: str, before: Opened) -> None:
    execute(
        dsn,
        "create table copy as select * from chats",
        "drop table chats",
        "alter table copy rename to chats",
        "delete from chats where id < 0",
    )
    with opened(again(dsn, before, ROWS[4], 5)) as (source, found):
        assert found.fingerprint != before.fingerprint
        assert found.warnings == {}
        assert ids(source.chunks()) == ROWS[3:]


def test_when_all_rows_are_gone_it_is_said(dsn: str, before: Opened) -> None:
    execute(dsn, "delete from chats")
    with pytest.raises(MigrationError) as caught, opened(again(dsn, before, ROWS[4], 5)):
        pass
    assert caught.value.code == "no_rows"


def test_a_source_that_hands_out_less_than_it_counted_is_never_taken_for_read(dsn: str) -> None:
    """A view that counts its rows in full, and then hides some: as a foreign table without snapshots may."""
    add(dsn, range(20))
    execute(
        dsn,
        "create view fickle as select * from chats where id < 10 or current_query() like 'select count%'",
    )
    with opened(orders(dsn), "fickle") as (source, _):
        assert source.total == 20
        chunks = source.chunks()
        with pytest.raises(MigrationError, match="counted 20 rows, but handed out 10") as caught:
            list(chunks)
    assert caught.value.code == "short_read"
