"""The made sheet and the made table hold what their makers say, by the rules of the service."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import asyncpg
import pytest

from consumer.datasets.chats import stages
from consumer.datasets.chats.checker import ChatChecker
from consumer.datasets.chats.fields import FIELDS, RELATION
from consumer.records import Cell, Chunk
from consumer.sources.rows import RowBlock
from consumer.sources.table import Table
from devstack.admin_panel import make_table
from devstack.chats import Expected
from devstack.sheets.rows import bot_rows


def found(chunks: Iterable[Chunk]) -> Expected:
    """What the rules say of the chunks."""
    checker, warnings = ChatChecker(stages.CHATS, date.max), Counter[str]()
    accepted = 0
    rejected: list[int] = []
    links: set[str] = set()
    for chunk in chunks:
        checked = checker.check(chunk, {})
        accepted += checked.accepted
        warnings += Counter(checked.warnings)
        lines = checked.sections.get("stage_rejects", b"").decode().splitlines()
        wrong = [int(line.split("\t")[0]) for line in lines]
        rejected += wrong
        links.update(
            str(url).strip()
            for position, url in zip(chunk.positions, chunk.columns["url"], strict=True)
            if position not in wrong
        )
    return Expected(
        total=accepted + len(rejected),
        processed=accepted,
        failed=len(rejected),
        inserted=len(links),
        duplicates=accepted - len(links),
        warnings=dict(sorted(warnings.items())),
        rejected=tuple(rejected),
    )


def sheet(rows: Sequence[Sequence[Cell]]) -> Iterable[Chunk]:
    columns = list(map(list, zip(*rows, strict=True)))
    return Table([RowBlock(range(1, len(rows) + 1), columns)], FIELDS).chunks()


def table(records: Sequence[Mapping[str, Cell]]) -> Chunk:
    columns = {field: [record[name] for record in records] for field, name in RELATION.columns.items()}
    return Chunk([int(str(record["id"])) for record in records], columns, lambda i: dict(records[i]))


@pytest.mark.parametrize(("rows", "seed", "wrong"), [(2_000, 3, 0.02), (3_456, 11, 0.4), (1, 500, 0.0)])
def test_the_sheet_holds_what_its_maker_says(rows: int, seed: int, wrong: float) -> None:
    made = bot_rows(rows, seed, wrong)
    assert found(sheet(made.rows)) == made.expected
    assert made.expected.total == rows
    if rows > 1000:
        assert made.expected.warnings.keys() == {
            "inn_check_digit",
            "inn_zero_restored",
            "kpp_zero_restored",
            "phone",
        }
        assert made.expected.duplicates == pytest.approx(0.02 * rows, abs=20)
        assert made.expected.failed == pytest.approx(wrong * rows, abs=20)


def test_the_same_seed_makes_the_same() -> None:
    assert bot_rows(100, 5) == bot_rows(100, 5)
    assert bot_rows(100, 5).rows != bot_rows(100, 6).rows


def test_too_many_wrong_rows_are_not_made() -> None:
    with pytest.raises(ValueError, match="may be 0 to"):
        bot_rows(10, 1, wrong=0.9)


@pytest.mark.parametrize(("rows", "seed"), [(6_000, 2), (12_345, 977)])
async def test_the_table_holds_what_its_maker_says(fresh_database: str, rows: int, seed: int) -> None:
    expected = make_table(fresh_database, rows, seed)
    connection = await asyncpg.connect(fresh_database)
    try:
        records = await connection.fetch(
            "select * from chats where source = 'admin_panel' or source is null order by id"
        )
        tags = {row["source"] for row in await connection.fetch("select distinct source from chats")}
    finally:
        await connection.close()
    assert found([table([dict(record) for record in records])]) == expected
    assert expected.total == rows
    assert tags == {"admin_panel", "bot_registrar", None}
    ids = [record["id"] for record in records]
    assert ids[-1] > 3 * rows, "ids have gaps"
