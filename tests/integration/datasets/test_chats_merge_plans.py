"""The merge never reads the whole of a target table, whatever the statistics of Postgres say."""

import json
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from consumer.datasets.chats.merge.plan import SET_LOAD_SOURCE, read_sql

STORED, CHANGED = 20_000, 2_000
FILL = f"""
insert into directory.universities (inn) values ('7707083893');
insert into directory.chats (url, university_id, source)
select 'https://max.ru/' || n, 1, 'academic_group' from generate_series(1, {STORED}) n;
insert into directory.administrators (chat_id, phone, add_user, add_admin)
select id, '+79000000000', true, true from directory.chats;
vacuum analyze directory.chats;
vacuum analyze directory.administrators;
"""
FORGET_ROWS = """
update pg_class set reltuples = 0
where oid in ('directory.chats'::regclass, 'directory.administrators'::regclass)
"""
"""As a vacuum leaves it that runs while all rows of a table are uncommitted."""
STAGE = f"""
insert into chat_changes (id, url, name, university_id, without_kpp)
select id, url, 'new', 1, false from directory.chats where id % {STORED // CHANGED} = 0;
insert into administrator_changes (chat_id, phone, max_id)
select id, '+79000000000', '7' from chat_changes;
"""


@pytest.mark.parametrize("forget_rows", [False, True], ids=["true statistics", "no rows expected"])
@pytest.mark.parametrize(
    ("statement", "target"), [("update_chats", "chats"), ("update_administrators", "administrators")]
)
async def test_updates_look_their_rows_up_by_key(
    database_url: str, statement: str, target: str, forget_rows: bool
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for part in FILL.split(";")[:-1]:
            await connection.execute(part)
        if forget_rows:
            await connection.execute(FORGET_ROWS)
        async with connection.transaction():
            await connection.execute(f"{read_sql('temp_tables')};\n{SET_LOAD_SOURCE['excel']}")
            await connection.execute(STAGE)
            await connection.execute(read_sql("force_nested_loop"))
            plan = await connection.fetchval(f"explain (format json) {read_sql(statement)}")
        scans = [node for node in _nodes(json.loads(plan)[0]["Plan"]) if node.get("Relation Name") == target]
        # The first node is the update itself.
        assert [node["Node Type"] for node in scans[1:]] == ["Bitmap Heap Scan"]
        assert "n." in scans[1]["Recheck Cond"]
    finally:
        await connection.close()


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
