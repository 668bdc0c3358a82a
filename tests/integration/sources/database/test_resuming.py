"""How an attempt continues the previous one."""

from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from consumer.errors import MigrationError
from consumer.sources.base import SourceConfig, SourceInfo
from tests.integration.sources.database.source_database import (
    MAX_ID,
    MIN_ID,
    execute,
    insert_chats,
    make_source_config,
    open_source,
    positions,
    read_chunks,
    resumed_source_config,
)

ROW_IDS = [MIN_ID, -7, -1, 0, 4, 5, 9, 100, 2**40, MAX_ID - 1, MAX_ID]


@pytest.fixture
def first_info(dsn: str) -> SourceInfo:
    """The `SourceInfo` of a first attempt."""
    insert_chats(dsn, ROW_IDS)
    with open_source(make_source_config(dsn)) as (_, found):
        return found


@pytest.mark.parametrize("stored", range(len(ROW_IDS) + 1))
def test_resuming_after_any_row_equals_one_attempt(dsn: str, first_info: SourceInfo, stored: int) -> None:
    checkpoint = ROW_IDS[stored - 1] if stored else None
    with open_source(resumed_source_config(dsn, first_info, checkpoint, stored)) as (source, found):
        chunks = list(source.chunks())
        assert found == first_info
        assert source.total == len(ROW_IDS)
    assert positions(chunks) == ROW_IDS
    known = [chunk for chunk in chunks if set(chunk.columns) == {"url"}]
    rest = [chunk for chunk in chunks if set(chunk.columns) == {"inn", "name", "url", "phone"}]
    assert known + rest == chunks
    assert positions(known) == ROW_IDS[:stored]
    assert [text for chunk in chunks for text in chunk.columns["url"]] == [f"url {i}" for i in ROW_IDS]


def test_stored_rows_have_key_and_identity_only(dsn: str, first_info: SourceInfo) -> None:
    chunk = read_chunks(resumed_source_config(dsn, first_info, ROW_IDS[0], 1))[0]
    assert chunk.record(0) == {"id": MIN_ID, "url": f"url {MIN_ID}"}


def test_rows_added_at_the_end_are_not_part_of_the_job(dsn: str) -> None:
    insert_chats(dsn, range(1, 10))
    with open_source(make_source_config(dsn)) as (_, before):
        pass
    insert_chats(dsn, range(10, 20))
    with open_source(resumed_source_config(dsn, before, 4, 4)) as (source, found):
        assert found == before
        assert source.total == 9
        assert positions(source.chunks()) == list(range(1, 10))


@pytest.mark.parametrize(
    "change",
    [
        f"delete from chats where id = {ROW_IDS[1]}",
        f"delete from chats where id = {ROW_IDS[7]}",
        f"delete from chats where id = {MAX_ID}",
        "insert into chats (id) values (-6)",
        "insert into chats (id) values (6)",
        "update chats set id = 6 where id = -7",
        "update chats set source = 'bot' where id = 100",
    ],
    ids=[
        "delete stored",
        "delete unread",
        "delete last",
        "insert before checkpoint",
        "insert after checkpoint",
        "move key beyond checkpoint",
        "leave dataset",
    ],
)
def test_changed_row_count_starts_new_load(dsn: str, first_info: SourceInfo, change: str) -> None:
    execute(dsn, change)
    with open_source(resumed_source_config(dsn, first_info, ROW_IDS[4], 5)) as (source, found):
        chunks = list(source.chunks())
        assert found.warnings == {"source_changed": 1}
        assert found.fingerprint != first_info.fingerprint
        assert source.total == len(positions(chunks))
    assert positions(chunks) == positions(read_chunks(make_source_config(dsn)))
    assert all(len(chunk.columns) == 4 for chunk in chunks)


def read_attempt(dsn: str, chunks: int, **more: Any) -> tuple[SourceInfo, SourceConfig]:
    """Read `count` chunks; returns them with the parameters of the next attempt."""
    with open_source(make_source_config(dsn, **more)) as (source, found):
        read = positions(islice(source.chunks(), chunks))
        kept = replace(found, state=source.state)
    return found, resumed_source_config(dsn, kept, read[-1], len(read))


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
    ids=["link", "link to null", "null to empty link", "two links", "key", "row replaced"],
)
def test_changed_identity_of_stored_row_starts_new_load(dsn: str, changes: list[str]) -> None:
    insert_chats(dsn, ROW_IDS)
    execute(dsn, "update chats set url = null where id = -7")
    before, next_one = read_attempt(dsn, 2)
    assert next_one.checkpoint == 100
    execute(dsn, *changes)
    with open_source(next_one) as (source, found):
        assert found.warnings == {"source_changed": 1}
        assert found.fingerprint != before.fingerprint
        assert positions(source.chunks()) == positions(read_chunks(make_source_config(dsn)))


@pytest.mark.parametrize(
    "change",
    [
        "update chats set url = 'other', name = 'x' where id > 100",
        "update chats set name = 'x', admin_phone = null where id <= 100",
    ],
    ids=["unread rows", "columns outside identity"],
)
def test_other_changes_are_read_or_left_to_the_next_job(dsn: str, change: str) -> None:
    insert_chats(dsn, ROW_IDS)
    before, next_one = read_attempt(dsn, 2)
    execute(dsn, change)
    with open_source(next_one) as (source, found):
        assert (found.fingerprint, dict(found.warnings)) == (before.fingerprint, {})
        assert positions(source.chunks()) == ROW_IDS


@pytest.mark.parametrize("chunk_rows", [1, 3, 100])
def test_stored_rows_are_recognised_in_chunks_of_any_size(dsn: str, chunk_rows: int) -> None:
    insert_chats(dsn, ROW_IDS)
    execute(dsn, "update chats set url = null where id in (-7, 9)")
    before, second = read_attempt(dsn, 1)
    with open_source(replace(second, chunk_rows=chunk_rows)) as (source, found):
        assert found.fingerprint == before.fingerprint
        read = positions(islice(source.chunks(), 9))
        kept = replace(found, state=source.state)
    with open_source(resumed_source_config(dsn, kept, read[-1], len(read))) as (source, found):
        assert found.fingerprint == before.fingerprint
        assert positions(source.chunks()) == ROW_IDS


def test_digest_for_another_checkpoint_is_ignored(dsn: str) -> None:
    """The digest in the state ends before the checkpoint."""
    insert_chats(dsn, ROW_IDS)
    before, next_one = read_attempt(dsn, 1)
    with open_source(replace(next_one, checkpoint=ROW_IDS[5], rows_done=6)) as (_, found):
        assert (found.fingerprint, dict(found.warnings)) == (before.fingerprint, {})
    state = {
        name: value for name, value in (next_one.state or {}).items() if name not in ("digest", "last_key")
    }
    with open_source(replace(next_one, state=state)) as (_, found):
        assert found.fingerprint == before.fingerprint


def test_second_change_in_a_run_fails_and_retry_restarts(dsn: str, first_info: SourceInfo) -> None:
    execute(dsn, "delete from chats where id = 0")
    with open_source(resumed_source_config(dsn, first_info, None, 0)) as (_, second):
        assert second.warnings == {"source_changed": 1}
    with open_source(resumed_source_config(dsn, second, ROW_IDS[1], 2)) as (_, found):
        assert found == replace(second, warnings={})
    execute(dsn, "delete from chats where id = 100")
    with (
        pytest.raises(MigrationError) as caught,
        open_source(resumed_source_config(dsn, second, ROW_IDS[1], 2)),
    ):
        pass
    assert caught.value.code == "source_changed"
    with open_source(resumed_source_config(dsn, second, ROW_IDS[1], 2, run=2)) as (source, third):
        assert third.warnings == {"source_changed": 1}
        assert third.fingerprint not in {first_info.fingerprint, second.fingerprint}
        assert len(positions(source.chunks())) == len(ROW_IDS) - 2


def test_restarted_load_can_be_resumed(dsn: str, first_info: SourceInfo) -> None:
    execute(dsn, "delete from chats where id = 0")
    with open_source(resumed_source_config(dsn, first_info, ROW_IDS[6], 7)) as (_, second):
        pass
    with open_source(resumed_source_config(dsn, second, ROW_IDS[1], 2)) as (source, found):
        assert found.fingerprint == second.fingerprint
        assert [set(chunk.columns) == {"url"} for chunk in source.chunks()] == [True, False, False]


def test_recreated_table_starts_new_load(dsn: str, first_info: SourceInfo) -> None:
    execute(
        dsn,
        "create table copy as select * from chats",
        "drop table chats",
        "alter table copy rename to chats",
        "delete from chats where id < 0",
    )
    with open_source(resumed_source_config(dsn, first_info, ROW_IDS[4], 5)) as (source, found):
        assert found.fingerprint != first_info.fingerprint
        assert found.warnings == {}
        assert positions(source.chunks()) == ROW_IDS[3:]


def test_all_rows_deleted(dsn: str, first_info: SourceInfo) -> None:
    execute(dsn, "delete from chats")
    with (
        pytest.raises(MigrationError) as caught,
        open_source(resumed_source_config(dsn, first_info, ROW_IDS[4], 5)),
    ):
        pass
    assert caught.value.code == "no_rows"


def test_short_read_is_an_error(dsn: str) -> None:
    """The view hides rows after they were counted, as a foreign table without snapshots may."""
    insert_chats(dsn, range(20))
    execute(
        dsn,
        "create view fickle as select * from chats where id < 10 or current_query() like 'select count%'",
    )
    with open_source(make_source_config(dsn), "fickle") as (source, _):
        assert source.total == 20
        chunks = source.chunks()
        with pytest.raises(MigrationError, match="counted 20 rows, but returned 10") as caught:
            list(chunks)
    assert caught.value.code == "short_read"
