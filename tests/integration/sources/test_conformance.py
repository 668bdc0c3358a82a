"""What every kind of source keeps to, whatever library reads it. A new kind joins by a maker in `KINDS`."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from consumer.errors import MigrationError
from consumer.records import Cell, Chunk
from consumer.sources.base import Opened, Reading, Source
from consumer.sources.find import open_source
from tests.support.other_workbooks import write_ods, write_xlsb
from tests.support.tiny_dataset import FIELDS
from tests.support.workbooks import HEADER, data_rows, write_xlsx

CHUNK_ROWS = 7
Row = Sequence[Cell]


@dataclass(frozen=True)
class Kind:
    """A kind of source: `make` puts rows (None for an empty one) where the returned `spec` finds them."""

    name: str
    make: Callable[[Path, Sequence[Row | None]], dict[str, Any]]
    frugal: bool = False


def excel(
    write: Callable[[Path, Sequence[Row]], Path],
) -> Callable[[Path, Sequence[Row | None]], dict[str, Any]]:
    def make(inbox: Path, rows: Sequence[Row | None]) -> dict[str, Any]:
        path = write(inbox / "chats", [row or (None,) for row in rows])
        return {"type": "excel", "file": {"path": path.name}}

    return make


KINDS = [
    Kind("xlsx", excel(write_xlsx)),
    Kind("xlsx, frugally", excel(write_xlsx), frugal=True),
    Kind("xlsb", excel(write_xlsb)),
    Kind("ods", excel(write_ods)),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def reading(tmp_path: Path, kind: Kind) -> Reading:
    (tmp_path / "inbox").mkdir()
    return Reading(
        FIELDS, CHUNK_ROWS, tmp_path / "scratch", tmp_path / "inbox", 64 << 20, {}, frugal=kind.frugal
    )


@contextmanager
def opened(spec: dict[str, Any], reading: Reading) -> Iterator[tuple[Source, Opened]]:
    shutil.rmtree(reading.scratch, ignore_errors=True)
    reading.scratch.mkdir()
    source = open_source(spec, reading)
    try:
        yield source, source.open()
    finally:
        source.close()


def positions(chunks: Sequence[Chunk]) -> list[int]:
    return [position for chunk in chunks for position in chunk.positions]


def cells(chunks: Sequence[Chunk], field: str) -> list[Cell]:
    return [None if cell == "" else cell for chunk in chunks for cell in chunk.columns[field]]


def test_rows_come_in_order_with_the_numbers_people_see(kind: Kind, reading: Reading) -> None:
    rows = [None, ("Заголовок",), HEADER, *data_rows(10), None, (None, " "), *data_rows(15)]
    with opened(kind.make(reading.inbox, rows), reading) as (source, _):
        chunks = list(source.chunks())
        assert source.total in {25, None}
    assert positions(chunks) == [*range(4, 14), *range(16, 31)]
    assert cells(chunks, "url") == [row[1] for row in (*data_rows(10), *data_rows(15))]
    assert cells(chunks, "inn") == [row[0] for row in (*data_rows(10), *data_rows(15))]
    assert all(len(chunk.positions) <= CHUNK_ROWS for chunk in chunks)
    assert all(len(column) == len(chunk.positions) for chunk in chunks for column in chunk.columns.values())


def test_a_total_once_told_is_the_number_of_rows(kind: Kind, reading: Reading) -> None:
    rows = [HEADER, *data_rows(20), (None, "\u200b", ""), ("мимо",)]
    with opened(kind.make(reading.inbox, rows), reading) as (source, _):
        told, read = [], 0
        for chunk in source.chunks():
            read += len(chunk.positions)
            told.append(source.total)
        told.append(source.total)
    assert read == 21
    assert set(told) <= {None, 21}


def test_one_row_is_enough(kind: Kind, reading: Reading) -> None:
    with opened(kind.make(reading.inbox, [HEADER, *data_rows(1)]), reading) as (source, _):
        (chunk,) = source.chunks()
    assert list(chunk.positions) == [2]
    assert chunk.record(0) == {
        "ИНН": 7_700_000_000,
        "Ссылка на чат": "https://max.ru/join/0",
        "Название чата": "Чат 0",
    }


@pytest.mark.parametrize("size", [CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 3 * CHUNK_ROWS])
def test_no_row_is_lost_or_doubled_at_the_border_of_a_chunk(kind: Kind, reading: Reading, size: int) -> None:
    with opened(kind.make(reading.inbox, [HEADER, *data_rows(size)]), reading) as (source, _):
        assert positions(list(source.chunks())) == list(range(2, size + 2))


def test_reading_again_gives_the_same_under_the_same_fingerprint(kind: Kind, reading: Reading) -> None:
    spec = kind.make(reading.inbox, [HEADER, *data_rows(30)])
    with opened(spec, reading) as (source, first):
        whole = list(source.chunks())
    again = replace(reading, fingerprint=first.fingerprint, state=first.state)
    with opened(spec, again) as (source, second):
        assert second.fingerprint == first.fingerprint
        repeated = list(source.chunks())
    assert positions(repeated) == positions(whole)
    assert all(cells(repeated, field) == cells(whole, field) for field in FIELDS.headers)


def test_chunks_may_be_cut_anywhere(kind: Kind, reading: Reading) -> None:
    spec = kind.make(reading.inbox, [HEADER, *data_rows(30)])
    found = []
    for rows in (1, 4, 30, 1000):
        with opened(spec, replace(reading, chunk_rows=rows)) as (source, known):
            found.append((known.fingerprint, positions(list(source.chunks()))))
    assert all(one == other for one, other in pairwise(found))


def test_other_rows_have_another_fingerprint(kind: Kind, reading: Reading) -> None:
    found = set()
    for size in (5, 6):
        with opened(kind.make(reading.inbox, [HEADER, *data_rows(size)]), reading) as (_, known):
            found.add(known.fingerprint)
    assert len(found) == 2


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([HEADER], "no_rows"),
        ([HEADER, None, (None, " ")], "no_rows"),
        ([("ИНН", "Название чата"), (1, "x")], "missing_column"),
        ([("ИНН", "Ссылка", "Ссылка на чат"), (1, "x", "y")], "duplicate_column"),
        ([("что-то", "другое"), (1, "x")], "no_header"),
    ],
)
def test_what_cannot_be_read_is_said_before_any_row(
    kind: Kind, reading: Reading, rows: Sequence[Row | None], code: str
) -> None:
    spec = kind.make(reading.inbox, rows)
    with pytest.raises(MigrationError) as caught, opened(spec, reading):
        pass
    assert caught.value.code == code


def test_closing_early_and_twice_is_fine(kind: Kind, reading: Reading) -> None:
    with opened(kind.make(reading.inbox, [HEADER, *data_rows(30)]), reading) as (source, _):
        next(source.chunks())
        source.close()
    assert list(source.chunks()) == []
