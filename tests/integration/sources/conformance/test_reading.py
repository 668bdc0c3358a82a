"""What every kind of source keeps to, whatever library reads it. A new kind joins by `kinds.py`."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import pytest

from consumer.cells.chunks import Cell, Chunk
from consumer.errors import MigrationError
from consumer.sources.base import Source, SourceConfig, SourceInfo
from consumer.sources.registry import open_source
from tests.integration.sources.conformance.source_kinds import READERS, SourceKind, kind_id
from tests.support.source_extractor import AttemptConfig
from tests.support.source_fixtures import Row, SourceFixture
from tests.support.tiny_dataset import FIELDS
from tests.support.workbooks import HEADER, data_rows

CHUNK_ROWS = 7

LAYOUTS: list[tuple[list[Row | None], str]] = [
    ([("ИНН", "Название чата"), (1, "x")], "missing_column"),
    ([("ИНН", "Ссылка", "Ссылка на чат"), (1, "x", "y")], "duplicate_column"),
    ([("что-то", "другое"), (1, "x")], "no_header"),
]


@pytest.fixture
def source_config(attempt_config: AttemptConfig, kind: SourceKind) -> SourceConfig:
    secrets = attempt_config.fixture.secrets
    return SourceConfig(
        FIELDS,
        CHUNK_ROWS,
        attempt_config.scratch,
        attempt_config.inbox,
        64 << 20,
        secrets=secrets,
        low_memory=kind.low_memory,
    )


@contextmanager
def opened_source(fixture: SourceFixture, reading: SourceConfig) -> Iterator[tuple[Source, SourceInfo]]:
    shutil.rmtree(reading.temp_dir, ignore_errors=True)
    reading.temp_dir.mkdir()
    source = open_source(fixture.spec, reading)
    try:
        yield source, source.open()
    finally:
        source.close()


def positions(chunks: Sequence[Chunk]) -> list[int]:
    return [position for chunk in chunks for position in chunk.positions]


def cells(chunks: Sequence[Chunk], field: str) -> list[str]:
    """As text: types are a matter of each kind."""
    return [text(cell) for chunk in chunks for cell in chunk.columns[field]]


def text(cell: Cell) -> str:
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) else str(cell)


def test_rows_come_in_order_with_the_numbers_people_see(
    source_fixture: SourceFixture, source_config: SourceConfig
) -> None:
    source_fixture.write_rows(
        [None, ("Заголовок",), HEADER, *data_rows(10), None, (None, " "), *data_rows(15)]
    )
    with opened_source(source_fixture, source_config) as (source, _):
        chunks = list(source.chunks())
        assert source.total in {25, None}
    assert positions(chunks) == [*range(4, 14), *range(16, 31)]
    rows = (*data_rows(10), *data_rows(15))
    for column, field in enumerate(("inn", "url", "name")):
        assert cells(chunks, field) == [text(row[column]) for row in rows]
    assert all(len(chunk.positions) <= CHUNK_ROWS for chunk in chunks)
    assert all(len(column) == len(chunk.positions) for chunk in chunks for column in chunk.columns.values())


def test_a_total_once_told_is_the_number_of_rows(
    source_fixture: SourceFixture, source_config: SourceConfig
) -> None:
    source_fixture.write_rows([HEADER, *data_rows(20), (None, "\u200b", ""), ("мимо",)])
    with opened_source(source_fixture, source_config) as (source, _):
        told, read = [], 0
        for chunk in source.chunks():
            read += len(chunk.positions)
            told.append(source.total)
        told.append(source.total)
    assert read == 21
    assert set(told) <= {None, 21}


def test_one_row_is_enough(source_fixture: SourceFixture, source_config: SourceConfig) -> None:
    source_fixture.write_rows([HEADER, *data_rows(1)])
    with opened_source(source_fixture, source_config) as (source, _):
        (chunk,) = source.chunks()
    assert list(chunk.positions) == [2]
    assert chunk.record(0) == source_fixture.rejected_record(2, data_rows(1)[0])


@pytest.mark.parametrize("size", [CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 3 * CHUNK_ROWS])
def test_no_row_is_lost_or_doubled_at_the_border_of_a_chunk(
    source_fixture: SourceFixture, source_config: SourceConfig, size: int
) -> None:
    source_fixture.write_rows([HEADER, *data_rows(size)])
    with opened_source(source_fixture, source_config) as (source, _):
        assert positions(list(source.chunks())) == list(range(2, size + 2))


def test_reading_again_gives_the_same_under_the_same_fingerprint(
    source_fixture: SourceFixture, source_config: SourceConfig
) -> None:
    source_fixture.write_rows([HEADER, *data_rows(30)])
    with opened_source(source_fixture, source_config) as (source, first):
        whole = list(source.chunks())
    again = replace(source_config, fingerprint=first.fingerprint, state=first.state)
    with opened_source(source_fixture, again) as (source, second):
        assert second.fingerprint == first.fingerprint
        repeated = list(source.chunks())
    assert positions(repeated) == positions(whole)
    assert all(cells(repeated, field) == cells(whole, field) for field in FIELDS.headers)


def test_chunks_may_be_cut_anywhere(source_fixture: SourceFixture, source_config: SourceConfig) -> None:
    source_fixture.write_rows([HEADER, *data_rows(30)])
    found = []
    for rows in (1, 4, 30, 1000):
        with opened_source(source_fixture, replace(source_config, chunk_rows=rows)) as (source, known):
            found.append((known.fingerprint, positions(list(source.chunks()))))
    assert all(one == other for one, other in pairwise(found))


def test_other_rows_have_another_fingerprint(
    source_fixture: SourceFixture, source_config: SourceConfig
) -> None:
    found = set()
    for size in (5, 6):
        source_fixture.write_rows([HEADER, *data_rows(size)])
        with opened_source(source_fixture, source_config) as (_, known):
            found.add(known.fingerprint)
    assert len(found) == 2


@pytest.mark.parametrize("rows", [[HEADER], [HEADER, None, (None, " ")]])
def test_a_source_without_rows_is_refused(
    source_fixture: SourceFixture, source_config: SourceConfig, rows: list[Row | None]
) -> None:
    source_fixture.write_rows(rows)
    with pytest.raises(MigrationError) as caught, opened_source(source_fixture, source_config):
        pass
    assert caught.value.code == "no_rows"


@pytest.mark.parametrize(
    ("kind", "rows", "code"),
    [(kind, rows, code) for kind in READERS for rows, code in LAYOUTS if code in kind.layout_errors],
    ids=kind_id,
)
def test_what_cannot_be_read_is_said_before_any_row(
    source_fixture: SourceFixture, source_config: SourceConfig, rows: list[Row | None], code: str
) -> None:
    source_fixture.write_rows(rows)
    with pytest.raises(MigrationError) as caught, opened_source(source_fixture, source_config):
        pass
    assert caught.value.code == code


def test_closing_early_and_twice_is_fine(source_fixture: SourceFixture, source_config: SourceConfig) -> None:
    source_fixture.write_rows([HEADER, *data_rows(30)])
    with opened_source(source_fixture, source_config) as (source, _):
        next(source.chunks())
        source.close()
    assert list(source.chunks()) == []


def test_closing_what_was_never_opened_is_fine(
    source_fixture: SourceFixture, source_config: SourceConfig
) -> None:
    source = open_source(source_fixture.spec, source_config)
    source.close()
    assert list(source.chunks()) == []
