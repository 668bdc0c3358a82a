"""What every kind of source keeps to, whatever library reads it. A new kind joins by `kinds.py`."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import pytest

from consumer.errors import MigrationError
from consumer.records import Cell, Chunk
from consumer.sources.base import Opened, Reading, Source
from consumer.sources.find import open_source
from tests.integration.sources.conformance.kinds import READERS, Kind, name_of
from tests.support.places import Place, Row
from tests.support.source_child import Start
from tests.support.tiny_dataset import FIELDS
from tests.support.workbooks import HEADER, data_rows

CHUNK_ROWS = 7

LAYOUTS: list[tuple[list[Row | None], str]] = [
    ([("ИНН", "Название чата"), (1, "x")], "missing_column"),
    ([("ИНН", "Ссылка", "Ссылка на чат"), (1, "x", "y")], "duplicate_column"),
    ([("что-то", "другое"), (1, "x")], "no_header"),
]


@pytest.fixture
def reading(start: Start, kind: Kind) -> Reading:
    secrets = start.place.secrets
    return Reading(
        FIELDS, CHUNK_ROWS, start.scratch, start.inbox, 64 << 20, secrets=secrets, frugal=kind.frugal
    )


@contextmanager
def opened(place: Place, reading: Reading) -> Iterator[tuple[Source, Opened]]:
    shutil.rmtree(reading.scratch, ignore_errors=True)
    reading.scratch.mkdir()
    source = open_source(place.spec, reading)
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


def test_rows_come_in_order_with_the_numbers_people_see(place: Place, reading: Reading) -> None:
    place.put([None, ("Заголовок",), HEADER, *data_rows(10), None, (None, " "), *data_rows(15)])
    with opened(place, reading) as (source, _):
        chunks = list(source.chunks())
        assert source.total in {25, None}
    assert positions(chunks) == [*range(4, 14), *range(16, 31)]
    rows = (*data_rows(10), *data_rows(15))
    for column, field in enumerate(("inn", "url", "name")):
        assert cells(chunks, field) == [text(row[column]) for row in rows]
    assert all(len(chunk.positions) <= CHUNK_ROWS for chunk in chunks)
    assert all(len(column) == len(chunk.positions) for chunk in chunks for column in chunk.columns.values())


def test_a_total_once_told_is_the_number_of_rows(place: Place, reading: Reading) -> None:
    place.put([HEADER, *data_rows(20), (None, "\u200b", ""), ("мимо",)])
    with opened(place, reading) as (source, _):
        told, read = [], 0
        for chunk in source.chunks():
            read += len(chunk.positions)
            told.append(source.total)
        told.append(source.total)
    assert read == 21
    assert set(told) <= {None, 21}


def test_one_row_is_enough(place: Place, reading: Reading) -> None:
    place.put([HEADER, *data_rows(1)])
    with opened(place, reading) as (source, _):
        (chunk,) = source.chunks()
    assert list(chunk.positions) == [2]
    assert chunk.record(0) == place.record(2, data_rows(1)[0])


@pytest.mark.parametrize("size", [CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 3 * CHUNK_ROWS])
def test_no_row_is_lost_or_doubled_at_the_border_of_a_chunk(
    place: Place, reading: Reading, size: int
) -> None:
    place.put([HEADER, *data_rows(size)])
    with opened(place, reading) as (source, _):
        assert positions(list(source.chunks())) == list(range(2, size + 2))


def test_reading_again_gives_the_same_under_the_same_fingerprint(place: Place, reading: Reading) -> None:
    place.put([HEADER, *data_rows(30)])
    with opened(place, reading) as (source, first):
        whole = list(source.chunks())
    again = replace(reading, fingerprint=first.fingerprint, state=first.state)
    with opened(place, again) as (source, second):
        assert second.fingerprint == first.fingerprint
        repeated = list(source.chunks())
    assert positions(repeated) == positions(whole)
    assert all(cells(repeated, field) == cells(whole, field) for field in FIELDS.headers)


def test_chunks_may_be_cut_anywhere(place: Place, reading: Reading) -> None:
    place.put([HEADER, *data_rows(30)])
    found = []
    for rows in (1, 4, 30, 1000):
        with opened(place, replace(reading, chunk_rows=rows)) as (source, known):
            found.append((known.fingerprint, positions(list(source.chunks()))))
    assert all(one == other for one, other in pairwise(found))


def test_other_rows_have_another_fingerprint(place: Place, reading: Reading) -> None:
    found = set()
    for size in (5, 6):
        place.put([HEADER, *data_rows(size)])
        with opened(place, reading) as (_, known):
            found.add(known.fingerprint)
    assert len(found) == 2


@pytest.mark.parametrize("rows", [[HEADER], [HEADER, None, (None, " ")]])
def test_a_source_without_rows_is_refused(place: Place, reading: Reading, rows: list[Row | None]) -> None:
    place.put(rows)
    with pytest.raises(MigrationError) as caught, opened(place, reading):
        pass
    assert caught.value.code == "no_rows"


@pytest.mark.parametrize(
    ("kind", "rows", "code"),
    [(kind, rows, code) for kind in READERS for rows, code in LAYOUTS if code in kind.faults],
    ids=name_of,
)
def test_what_cannot_be_read_is_said_before_any_row(
    place: Place, reading: Reading, rows: list[Row | None], code: str
) -> None:
    place.put(rows)
    with pytest.raises(MigrationError) as caught, opened(place, reading):
        pass
    assert caught.value.code == code


def test_closing_early_and_twice_is_fine(place: Place, reading: Reading) -> None:
    place.put([HEADER, *data_rows(30)])
    with opened(place, reading) as (source, _):
        next(source.chunks())
        source.close()
    assert list(source.chunks()) == []


def test_closing_what_was_never_opened_is_fine(place: Place, reading: Reading) -> None:
    source = open_source(place.spec, reading)
    source.close()
    assert list(source.chunks()) == []
