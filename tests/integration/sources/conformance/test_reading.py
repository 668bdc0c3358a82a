"""The contract of all sources. A new kind joins by `source_kinds.py`."""

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
    """The cell as text, since types differ between kinds."""
    return [text(cell) for chunk in chunks for cell in chunk.columns[field]]


def text(cell: Cell) -> str:
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) else str(cell)


def test_rows_are_in_order_with_visible_row_numbers(
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


def test_total_is_exact(source_fixture: SourceFixture, source_config: SourceConfig) -> None:
    source_fixture.write_rows([HEADER, *data_rows(20), (None, "\u200b", ""), ("мимо",)])
    with opened_source(source_fixture, source_config) as (source, _):
        totals, read = [], 0
        for chunk in source.chunks():
            read += len(chunk.positions)
            totals.append(source.total)
        totals.append(source.total)
    assert read == 21
    assert set(totals) <= {None, 21}


def test_source_of_one_row(source_fixture: SourceFixture, source_config: SourceConfig) -> None:
    source_fixture.write_rows([HEADER, *data_rows(1)])
    with opened_source(source_fixture, source_config) as (source, _):
        (chunk,) = source.chunks()
    assert list(chunk.positions) == [2]
    assert chunk.record(0) == source_fixture.rejected_record(2, data_rows(1)[0])


@pytest.mark.parametrize("size", [CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 3 * CHUNK_ROWS])
def test_chunk_bounds_lose_and_repeat_no_row(
    source_fixture: SourceFixture, source_config: SourceConfig, size: int
) -> None:
    source_fixture.write_rows([HEADER, *data_rows(size)])
    with opened_source(source_fixture, source_config) as (source, _):
        assert positions(list(source.chunks())) == list(range(2, size + 2))


def test_equal_fingerprint_means_equal_rows(
    source_fixture: SourceFixture, source_config: SourceConfig
) -> None:
    source_fixture.write_rows([HEADER, *data_rows(30)])
    with opened_source(source_fixture, source_config) as (source, first):
        expected = list(source.chunks())
    again = replace(source_config, fingerprint=first.fingerprint, state=first.state)
    with opened_source(source_fixture, again) as (source, second):
        assert second.fingerprint == first.fingerprint
        repeated = list(source.chunks())
    assert positions(repeated) == positions(expected)
    assert all(cells(repeated, field) == cells(expected, field) for field in FIELDS.headers)


def test_chunks_of_any_size(source_fixture: SourceFixture, source_config: SourceConfig) -> None:
    source_fixture.write_rows([HEADER, *data_rows(30)])
    found = []
    for rows in (1, 4, 30, 1000):
        with opened_source(source_fixture, replace(source_config, chunk_rows=rows)) as (source, known):
            found.append((known.fingerprint, positions(list(source.chunks()))))
    assert all(one == other for one, other in pairwise(found))


def test_different_rows_have_different_fingerprints(
    source_fixture: SourceFixture, source_config: SourceConfig
) -> None:
    found = set()
    for size in (5, 6):
        source_fixture.write_rows([HEADER, *data_rows(size)])
        with opened_source(source_fixture, source_config) as (_, known):
            found.add(known.fingerprint)
    assert len(found) == 2


@pytest.mark.parametrize("rows", [[HEADER], [HEADER, None, (None, " ")]])
def test_source_without_rows_is_rejected(
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
def test_unreadable_source_fails_before_the_first_row(
    source_fixture: SourceFixture, source_config: SourceConfig, rows: list[Row | None], code: str
) -> None:
    source_fixture.write_rows(rows)
    with pytest.raises(MigrationError) as caught, opened_source(source_fixture, source_config):
        pass
    assert caught.value.code == code


def test_close_early_and_twice(source_fixture: SourceFixture, source_config: SourceConfig) -> None:
    source_fixture.write_rows([HEADER, *data_rows(30)])
    with opened_source(source_fixture, source_config) as (source, _):
        next(source.chunks())
        source.close()
    assert list(source.chunks()) == []


def test_close_without_open(source_fixture: SourceFixture, source_config: SourceConfig) -> None:
    source = open_source(source_fixture.spec, source_config)
    source.close()
    assert list(source.chunks()) == []
