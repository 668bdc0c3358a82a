"""Which rows are read, in which order, with which values."""

from dataclasses import replace
from datetime import date

import pytest

from consumer.cells.texts import MAX_RAW_TEXT_CHARS
from consumer.datasets.chats import staging
from consumer.datasets.chats.column_spec import COLUMN_SPEC, SOURCE_TABLE
from consumer.datasets.chats.column_validator import column_validators
from consumer.datasets.chats.rules.result import Invalid
from consumer.datasets.chats.validator import ChatValidator
from consumer.errors import PermanentError
from consumer.sources.column_mapping import map_columns
from consumer.sources.database.pages import page_query
from consumer.sources.database.table_lookup import ResolvedTable
from tests.integration.sources.database.source_database import (
    CHUNK_ROWS,
    MAX_ID,
    MIN_ID,
    execute,
    fetchval,
    insert_chats,
    make_source_config,
    open_source,
    positions,
    read_chunks,
)


def test_rows_are_ordered_by_id(dsn: str) -> None:
    insert_chats(dsn, [9, 2, 7, 5, 1, 8, 3])
    chunks = read_chunks(make_source_config(dsn))
    assert positions(chunks) == [1, 2, 3, 5, 7, 8, 9]
    assert [len(chunk.positions) for chunk in chunks] == [4, 3]
    assert [text for chunk in chunks for text in chunk.columns["phone"]] == [
        f"phone {i}" for i in positions(chunks)
    ]
    assert set(chunks[0].columns) == {"inn", "name", "url", "phone"}


def test_records_use_column_names_of_the_table(dsn: str) -> None:
    execute(dsn, "insert into chats values (7, null, 'Чат', 'u', ' 8 999 ', null)")
    (chunk,) = read_chunks(make_source_config(dsn))
    assert chunk.record(0) == {"id": 7, "inn": None, "name": "Чат", "url": "u", "admin_phone": " 8 999 "}


def test_ids_with_gaps_and_extreme_values(dsn: str) -> None:
    wild = [MIN_ID, MIN_ID + 1, -5, 0, 3, 2**31, 2**53 + 1, MAX_ID - 1, MAX_ID]
    insert_chats(dsn, wild)
    assert positions(read_chunks(make_source_config(dsn))) == wild


def test_highest_possible_id_at_end_of_page(dsn: str) -> None:
    insert_chats(dsn, range(MAX_ID - CHUNK_ROWS + 1, MAX_ID + 1))
    assert len(positions(read_chunks(make_source_config(dsn)))) == CHUNK_ROWS


def test_row_filter_of_the_dataset(dsn: str) -> None:
    insert_chats(dsn, [1, 4])
    insert_chats(dsn, [2], source=None)
    insert_chats(dsn, [3], source="bot")
    insert_chats(dsn, [5], source="")
    insert_chats(dsn, [6], source="Admin_Panel")
    with open_source(make_source_config(dsn)) as (source, _):
        assert source.total == 3
        assert positions(source.chunks()) == [1, 2, 4]


@pytest.mark.parametrize("rows", [1, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 3 * CHUNK_ROWS])
def test_page_bounds_lose_and_repeat_no_row(dsn: str, rows: int) -> None:
    insert_chats(dsn, range(rows))
    with open_source(make_source_config(dsn)) as (source, found):
        assert source.total == rows
        assert source.state == found.state
        assert positions(source.chunks()) == list(range(rows))


def test_snapshot_is_stable_while_rows_change(dsn: str) -> None:
    insert_chats(dsn, range(1, 13))
    with open_source(make_source_config(dsn)) as (source, _):
        chunks = source.chunks()
        found = [next(chunks)]
        execute(dsn, "delete from chats where id in (2, 11)", "update chats set url = 'other' where id = 12")
        insert_chats(dsn, [13, 0])
        found += chunks
    assert positions(found) == list(range(1, 13))
    assert found[-1].columns["url"][-1] == "url 12"


@pytest.mark.parametrize("kind", ["smallint", "integer"])
def test_smallint_and_integer_keys(dsn: str, kind: str) -> None:
    execute(dsn, f"alter table chats alter id type {kind}")
    insert_chats(dsn, [-3, 0, 32_767])
    assert positions(read_chunks(make_source_config(dsn))) == [-3, 0, 32_767]


@pytest.mark.parametrize("base", ["smallint", "integer", "bigint", "chat_number"])
def test_key_of_domain_over_integers(dsn: str, base: str) -> None:
    execute(
        dsn,
        "create domain chat_number as integer check (value > -10)",
        f"create domain chat_key as {base}",
        "alter table chats alter id type chat_key",
    )
    insert_chats(dsn, [-3, 0, 7, 8, 9, 32_767])
    assert positions(read_chunks(make_source_config(dsn))) == [-3, 0, 7, 8, 9, 32_767]
    with open_source(make_source_config(dsn)) as (source, _):
        assert source.total == 6


def test_domain_columns_are_read_as_text(dsn: str) -> None:
    execute(
        dsn,
        "create domain tax as numeric(13, 2)",
        "create domain label as text check (length(value) < 100)",
        "create domain link as varchar(50) not null default ''",
        "create domain day as date",
        "create domain origin as label",
        "drop table chats",
        "create table chats (id int primary key, inn tax, name day, url link, admin_phone tax, "
        "source origin)",
        "insert into chats values (1, 7707083893, '2024-12-10', 'u', 79161234567, 'admin_panel'), "
        "(2, 5, null, 'v', null, 'bot'), (3, 105014177, null, 'w', null, null)",
    )
    (chunk,) = read_chunks(make_source_config(dsn))
    assert positions([chunk]) == [1, 3]
    assert chunk.record(0) == {
        "id": 1,
        "inn": "7707083893.00",
        "name": "2024-12-10",
        "url": "u",
        "admin_phone": "79161234567.00",
    }


NUMERIC = ["numeric(13, 2)", "numeric(20, 5)", "numeric", "bigint", "double precision"]


@pytest.mark.parametrize("kind", NUMERIC)
def test_numeric_columns_pass_the_rules(dsn: str, kind: str) -> None:
    execute(
        dsn,
        f"alter table chats alter inn type {kind} using null, alter admin_phone type {kind} using null",
        "insert into chats values (1, 7707083893, 'Чат', 'https://max.ru/1', 79161234567, null), "
        "(2, 105014177, 'Чат', 'https://max.ru/2', 9161234567, null)",
    )
    (chunk,) = read_chunks(make_source_config(dsn))
    rules = column_validators(date(2026, 3, 2))
    assert rules["inn"].validate(chunk.columns["inn"]).copy_texts == ["7707083893", "0105014177"]
    assert rules["phone"].validate(chunk.columns["phone"]).copy_texts == ["+79161234567", "+79161234567"]


def test_columns_of_any_type_are_read_as_text(dsn: str) -> None:
    execute(
        dsn,
        "create type origin as enum ('bot', 'other')",
        "drop table chats",
        "create table chats (id integer, inn bigint, name char(5), url text, admin_phone int, source origin)",
        "insert into chats values (1, 7700000001, 'ab', 'u', 2000, null), (2, 2, 'b', 'u', 2, 'bot')",
    )
    (chunk,) = read_chunks(make_source_config(dsn))
    assert chunk.record(0) == {
        "id": 1,
        "inn": "7700000001",
        "name": "ab",
        "url": "u",
        "admin_phone": "2000",
    }


VIEW = "create view {} as select * from chats"


@pytest.mark.parametrize(
    ("schema", "table", "requested"),
    [
        ("public", "chats2", "chats2"),
        ("old", "chats", "old.chats"),
        ("Старая админка", "Чаты 2", "Старая админка.Чаты 2"),
        ('a"b', 'select"; drop table chats; --', 'a"b.select"; drop table chats; --'),
        ("old", "with.dots.in", "old.with.dots.in"),
        ("public", "my.table", '"my.table"'),
        ("public", "my.table", 'public."my.table"'),
        ("my.schema", "my.table", '"my.schema"."my.table"'),
        ("my.schema", "chats", '"my.schema".chats'),
        ("public", 'my"table', '"my""table"'),
        ("public", '"chats"', 'public."chats"'),
        ("public", '"chats"', '"""chats"""'),
        ("$1", "%s", "$1.%s"),
    ],
)
def test_table_names_are_exact(dsn: str, schema: str, table: str, requested: str) -> None:
    insert_chats(dsn, [1, 2])
    quoted = '."'.join(name.replace('"', '""') + '"' for name in (schema, table))
    execute(
        dsn,
        'create schema if not exists "{}"'.format(schema.replace('"', '""')),
        VIEW.format(f'"{quoted}'),
        "create table decoy (like chats)",
    )
    assert positions(read_chunks(make_source_config(dsn), requested)) == [1, 2]


def test_table_without_schema_is_found_by_search_path(dsn: str) -> None:
    insert_chats(dsn, [1])
    execute(dsn, "create schema old", "create table old.chats (like public.chats)")
    execute(dsn, "insert into old.chats select 2, inn, name, url, admin_phone, source from public.chats")
    assert positions(read_chunks(make_source_config(dsn))) == [1]
    assert positions(read_chunks(make_source_config(f"{dsn}?options=-c%20search_path%3Dold,public"))) == [2]


@pytest.mark.parametrize(
    "made",
    [
        "create view kind as select * from chats",
        "create materialized view kind as select * from chats",
        """create table kind (like chats) partition by range (id);
        create table low partition of kind for values from (minvalue) to (5);
        create table high partition of kind for values from (5) to (maxvalue);
        insert into kind select * from chats""",
    ],
    ids=["view", "materialized view", "partitioned table"],
)
def test_views_and_partitioned_tables_are_read(dsn: str, made: str) -> None:
    insert_chats(dsn, range(10))
    execute(dsn, made)
    assert positions(read_chunks(make_source_config(dsn), "kind")) == list(range(10))


def test_other_database_encoding_is_converted(win1251_dsn: str) -> None:
    execute(win1251_dsn, "insert into chats values (1, '1', 'Чат «А»', 'u', '2', null)")
    (chunk,) = read_chunks(make_source_config(win1251_dsn))
    assert chunk.columns["name"] == ["Чат «А»"]


def test_session_is_read_only(dsn: str) -> None:
    insert_chats(dsn, [1])
    execute(
        dsn,
        "create function strike() returns text language plpgsql as "
        "$$ begin delete from public.chats; return 'gone'; end $$",
        "create view trap as select id, inn, name, strike() as url, admin_phone, source from chats",
    )
    with pytest.raises(Exception, match="SQLSTATE 25006"):
        read_chunks(make_source_config(dsn), "trap")
    assert positions(read_chunks(make_source_config(dsn))) == [1]


def test_close_is_idempotent(dsn: str) -> None:
    insert_chats(dsn, range(20))
    with open_source(make_source_config(dsn)) as (source, _):
        chunks = source.chunks()
        next(chunks)
        source.close()
        assert list(chunks) == []
    source.close()


def test_equal_fingerprint_means_equal_rows(dsn: str) -> None:
    insert_chats(dsn, range(10))
    with (
        open_source(make_source_config(dsn)) as (_, first),
        open_source(make_source_config(dsn, chunk_rows=3)) as (_, second),
    ):
        assert first == second


@pytest.mark.parametrize("kind", ["bigint", "integer", "smallint"])
def test_page_uses_index_of_the_key(dsn: str, kind: str) -> None:
    execute(dsn, f"alter table chats alter id type {kind}")
    insert_chats(dsn, range(20_000))
    execute(dsn, "analyze chats")
    table = ResolvedTable("", 0, "public", "chats", has_unique_key=True)
    page = page_query(table, SOURCE_TABLE, tuple(SOURCE_TABLE.columns), is_first=False)
    for parameter, text in {"$1": "'admin_panel'", "$2": "20000", "$3": "10", "$4": "5000"}.items():
        page = page.replace(parameter, text)
    plan = fetchval(dsn, f"explain (format json) {page}")
    assert '"Index Scan"' in plan
    assert '"Sort"' not in plan
    assert "Index Cond" in plan


def test_table_is_found_among_hundreds_of_schemas(dsn: str) -> None:
    """Hundreds of schemas, such as one per customer, sort before the one that is requested."""
    insert_chats(dsn, range(3))
    names = [f"client_{number:03}" for number in range(120)]
    for name in names:
        execute(dsn, f"create schema {name}", f"create table {name}.chats (like public.chats including all)")
    execute(dsn, "insert into client_115.chats select * from public.chats where id = 1")
    assert positions(read_chunks(make_source_config(dsn))) == [0, 1, 2]
    assert positions(read_chunks(make_source_config(dsn), "client_115.chats")) == [1]


MANY_ROWS = 2_200
"""Rows with the longest text that is not truncated: together more than 1 GB."""


def test_result_over_1_gb_is_read_in_smaller_pages(dsn: str) -> None:
    """MemoryError, as for any lack of memory; the next attempt has `low_memory`."""
    insert_chats(dsn, range(MANY_ROWS))
    execute(
        dsn,
        "create view long as "
        "select id, inn, repeat('x', 524272) as name, url, admin_phone, source from chats",
    )
    with (
        open_source(make_source_config(dsn, chunk_rows=MANY_ROWS), "long") as (source, _),
        pytest.raises(MemoryError),
    ):
        next(source.chunks())
    with open_source(make_source_config(dsn, chunk_rows=60, low_memory=True), "long") as (source, _):
        for piece in source.chunks():
            assert len(piece.positions) < 20, "of so long rows few go into one batch"
            if piece.positions[-1] >= 59:
                break
        assert piece.positions[-1] == 59
    with (
        open_source(make_source_config(dsn, chunk_rows=MANY_ROWS, low_memory=True), "long") as (source, _),
        pytest.raises(PermanentError, match="MIGRATION_BATCH_ROWS lowered") as caught,
    ):
        next(source.chunks())
    assert caught.value.code == "source_unreadable"


@pytest.mark.parametrize("text", ["repeat('ж', 20000000)", "repeat(' ', 2000000) || 'https://max.ru/1'"])
def test_very_long_text_is_truncated_and_still_too_long(dsn: str, text: str) -> None:
    """Also after trimming: a link must not lose its end unnoticed."""
    execute(dsn, f"insert into chats values (1, '7707083893', {text}, {text}, {text}, null)")
    (chunk,) = read_chunks(make_source_config(dsn))
    rules = column_validators(date(2026, 3, 2))
    for field, code in (("name", "too_long"), ("url", "url")):
        (found,) = chunk.columns[field]
        assert len(str(found)) == MAX_RAW_TEXT_CHARS + 2
        (verdict,) = rules[field].validate([found]).flagged.values()
        assert isinstance(verdict, Invalid)
        assert verdict.code == code
    checked = ChatValidator(staging.chats_table("database"), date(2026, 3, 2)).validate(chunk, {})
    assert checked.rejected == 1
    assert len(checked.copy_streams["stage_rejected_rows"]) < 200_000


def test_text_of_maximum_length_is_not_truncated(dsn: str) -> None:
    execute(dsn, "insert into chats values (1, '1', repeat('😀', 131068), repeat('x', 524272), null, null)")
    (chunk,) = read_chunks(make_source_config(dsn))
    assert [len(str(chunk.columns[field][0])) for field in ("name", "url")] == [131_068, 524_272]


def test_mapped_column_is_read_in_place_of_the_usual_one(dsn: str) -> None:
    execute(
        dsn,
        "alter table chats add column link text",
        "insert into chats values (7, '1', 'n', 'u', 'p', null, 'l')",
    )
    spec = map_columns(COLUMN_SPEC, {"type": "database", "columns": {"link": "url"}})
    (chunk,) = read_chunks(replace(make_source_config(dsn), column_spec=spec))
    assert chunk.columns["url"] == ["l"]
    assert chunk.record(0) == {"id": 7, "inn": "1", "name": "n", "link": "l", "admin_phone": "p"}
