"""The generated sheet and table have the expected counts by the rules of the service."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import asyncpg
import pytest

from consumer.cells.chunks import Cell, Chunk
from consumer.datasets.chats import staging
from consumer.datasets.chats.column_spec import COLUMN_SPEC, SOURCE_TABLE
from consumer.datasets.chats.validator import ChatValidator
from consumer.sources.headered_rows import HeaderedRows
from consumer.sources.row_block import RowBlock
from devstack.fakedata.admin_panel import create_chats_table
from devstack.fakedata.bot_sheet import make_bot_sheet
from devstack.fakedata.expected import ExpectedChats


def count_outcomes(chunks: Iterable[Chunk]) -> ExpectedChats:
    """Count the outcomes of the chunks by the rules of the service."""
    validator, warnings = ChatValidator(staging.CHATS, date.max), Counter[str]()
    accepted = 0
    rejected: list[int] = []
    links: set[str] = set()
    for chunk in chunks:
        batch = validator.validate(chunk, {})
        accepted += batch.accepted
        warnings += Counter(batch.warnings)
        lines = batch.copy_streams.get("stage_rejected_rows", b"").decode().splitlines()
        rejected_here = [int(line.split("\t")[0]) for line in lines]
        rejected += rejected_here
        links.update(
            str(url).strip()
            for position, url in zip(chunk.positions, chunk.columns["url"], strict=True)
            if position not in rejected_here
        )
    return ExpectedChats(
        total=accepted + len(rejected),
        processed=accepted,
        failed=len(rejected),
        inserted=len(links),
        duplicates=accepted - len(links),
        warnings=dict(sorted(warnings.items())),
        rejected=tuple(rejected),
    )


def sheet_chunks(rows: Sequence[Sequence[Cell]]) -> Iterable[Chunk]:
    columns = list(map(list, zip(*rows, strict=True)))
    return HeaderedRows([RowBlock(range(1, len(rows) + 1), columns)], COLUMN_SPEC).chunks()


def table_chunk(records: Sequence[Mapping[str, Cell]]) -> Chunk:
    columns = {field: [record[name] for record in records] for field, name in SOURCE_TABLE.columns.items()}
    return Chunk([int(str(record["id"])) for record in records], columns, lambda i: dict(records[i]))


@pytest.mark.parametrize(
    ("rows", "seed", "invalid_share"), [(2_000, 3, 0.02), (3_456, 11, 0.4), (1, 500, 0.0)]
)
def test_sheet_has_expected_counts(rows: int, seed: int, invalid_share: float) -> None:
    sheet = make_bot_sheet(rows, seed, invalid_share)
    assert count_outcomes(sheet_chunks(sheet.rows)) == sheet.expected
    assert sheet.expected.total == rows
    if rows > 1000:
        assert sheet.expected.warnings.keys() == {
            "inn_check_digit",
            "inn_zero_restored",
            "kpp_zero_restored",
            "phone",
        }
        assert sheet.expected.duplicates == pytest.approx(0.02 * rows, abs=20)
        assert sheet.expected.failed == pytest.approx(invalid_share * rows, abs=20)


def test_same_seed_generates_same_sheet() -> None:
    assert make_bot_sheet(100, 5) == make_bot_sheet(100, 5)
    assert make_bot_sheet(100, 5).rows != make_bot_sheet(100, 6).rows


def test_too_large_share_of_invalid_rows_is_rejected() -> None:
    with pytest.raises(ValueError, match="may be 0 to"):
        make_bot_sheet(10, 1, invalid_share=0.9)


@pytest.mark.parametrize(("rows", "seed"), [(6_000, 2), (12_345, 977)])
async def test_table_has_expected_counts(empty_database_url: str, rows: int, seed: int) -> None:
    expected = create_chats_table(empty_database_url, rows, seed)
    connection = await asyncpg.connect(empty_database_url)
    try:
        records = await connection.fetch(
            "select * from chats where source = 'admin_panel' or source is null order by id"
        )
        tags = {row["source"] for row in await connection.fetch("select distinct source from chats")}
    finally:
        await connection.close()
    assert count_outcomes([table_chunk([dict(record) for record in records])]) == expected
    assert expected.total == rows
    assert tags == {"admin_panel", "bot_registrar", None}
    ids = [record["id"] for record in records]
    assert ids[-1] > 3 * rows, "ids have gaps"
