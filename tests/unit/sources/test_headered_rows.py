"""Blocks of a sheet become chunks with the rows below the header."""

from collections.abc import Sequence

import pytest

from consumer.cells.chunks import Cell
from consumer.datasets.base import ColumnSpec, PositionalLayout
from consumer.errors import LayoutError
from consumer.sources.headered_rows import HeaderedRows
from consumer.sources.row_block import RowBlock

FIELDS = ColumnSpec({"inn": ("ИНН",), "url": ("Ссылка",), "name": ("Название",)}, ("inn", "url"))
HEADER = ("Прочее", "Ссылка", "ИНН")


def block(first: int, *rows: Sequence[Cell]) -> RowBlock:
    width = max(map(len, rows), default=0)
    columns = [[row[c] if c < len(row) else None for row in rows] for c in range(width)]
    return RowBlock(range(first, first + len(rows)), columns)


def test_row_numbers_over_gaps_and_blocks() -> None:
    blocks = [
        block(1, (), ("Заголовок",), ("",)),
        block(4, HEADER, ("", "u1", "1"), ("\u200b", " ", "")),
        block(7, (None,) * 3),
        block(8, ("x", "", ""), ("", "u2", 2.0)),
    ]
    table = HeaderedRows(blocks, FIELDS)
    chunks = list(table.chunks())
    assert [list(chunk.positions) for chunk in chunks] == [[5], [8, 9]]
    assert [list(chunk.columns["inn"]) for chunk in chunks] == [["1"], ["", 2.0]]
    assert "name" not in chunks[0].columns
    assert table.rows_above == 2


def test_header_at_the_end_of_a_block() -> None:
    table = HeaderedRows([block(1, HEADER), block(2, ("a", "u", "1"))], FIELDS)
    assert [list(chunk.positions) for chunk in table.chunks()] == [[2]]


def test_no_chunk_without_rows_below_the_header() -> None:
    assert list(HeaderedRows([block(1, HEADER, ("", " ", None)), block(3)], FIELDS).chunks()) == []


def test_empty_sheet_has_no_header() -> None:
    for blocks in ([], [block(1)], [block(1, ("", " "))]):
        with pytest.raises(LayoutError) as caught:
            HeaderedRows(blocks, FIELDS)
        assert caught.value.code == "no_header"


def test_blocks_narrower_or_wider_than_the_header() -> None:
    wide = ("a", "u2", "2", *[None] * 30, "далеко")
    first, second = HeaderedRows([block(1, HEADER), block(2, ("a", "u1")), block(3, wide)], FIELDS).chunks()
    assert list(first.columns["inn"]) == [None]
    assert first.record(0) == {"Прочее": "a", "Ссылка": "u1", "ИНН": None}
    assert second.record(0) == {"Прочее": "a", "Ссылка": "u2", "ИНН": "2", "AH": "далеко"}


def test_record_of_a_row_with_empty_cells() -> None:
    (chunk,) = HeaderedRows([block(1, (*HEADER, "", "Прочее"), (0.0, "u", "", False, "x"))], FIELDS).chunks()
    assert chunk.record(0) == {"Прочее": 0.0, "Ссылка": "u", "ИНН": None, "D": False, "Прочее (2)": "x"}


def test_record_has_nonblank_cells_of_unmapped_columns() -> None:
    """A sheet may have thousands of headers, and a million rejected rows."""
    others = [f"Прочее {number}" for number in range(1600)]
    row = ("", "u", "", *["" if number != 7 else "x" for number in range(1600)])
    (chunk,) = HeaderedRows([block(1, ("", "Ссылка", "ИНН", *others), row)], FIELDS).chunks()
    assert chunk.record(0) == {"Ссылка": "u", "ИНН": None, "Прочее 7": "x"}


def test_empty_rows_above_the_header_are_released() -> None:
    empty = [block(1 + 1000 * i, *[("",)] * 1000) for i in range(100)]
    table = HeaderedRows([*empty, block(200_000, HEADER, ("", "u", "1"))], FIELDS)
    assert [list(chunk.positions) for chunk in table.chunks()] == [[200_001]]


POSITIONAL = PositionalLayout(
    ("inn", "kpp", "url"), {"inn": lambda cell: cell == "1", "url": lambda cell: cell == "u"}
)
POSITIONAL_FIELDS = ColumnSpec(
    {"inn": ("ИНН",), "kpp": ("КПП",), "url": ("Ссылка",)}, ("inn", "url"), positional_layout=POSITIONAL
)


def test_sheet_without_a_header_is_detected_by_row_2() -> None:
    blocks = [block(1, ("x", "y", "z")), block(2, ("1", "", "u"), ("2", "k", "v", "ещё"))]
    table = HeaderedRows(blocks, POSITIONAL_FIELDS, headerless=True)
    (chunk,) = table.chunks()
    assert table.is_headerless
    assert table.rows_above == 1
    assert list(chunk.positions) == [2, 3]
    found = {field: list(column) for field, column in chunk.columns.items()}
    assert found == {"inn": ["1", "2"], "kpp": ["", "k"], "url": ["u", "v"]}
    assert chunk.record(1) == {"ИНН": "2", "КПП": "k", "Ссылка": "v", "D": "ещё"}


@pytest.mark.parametrize(
    "rows",
    [
        [("x",), ("1", "", "w")],
        [("x",), ("2", "", "u")],
        [("x",), ("1", "k")],
        [("x",), ()],
        [("1", "", "u")],
        [("x",), (), ("1", "", "u")],
    ],
)
def test_every_detector_must_accept_row_2(rows: list[Sequence[Cell]]) -> None:
    with pytest.raises(LayoutError) as caught:
        HeaderedRows([block(1, *rows)], POSITIONAL_FIELDS, headerless=True)
    assert caught.value.code == "no_header"


def test_empty_first_row_is_not_a_record() -> None:
    (chunk,) = HeaderedRows([block(1, (), ("1", "", "u"))], POSITIONAL_FIELDS, headerless=True).chunks()
    assert list(chunk.positions) == [2]


def test_header_takes_precedence() -> None:
    rows = [("x",), ("1", "", "u"), ("Ссылка", "ИНН"), ("v", "2")]
    table = HeaderedRows([block(1, *rows)], POSITIONAL_FIELDS, headerless=True)
    assert (table.is_headerless, table.header.position) == (False, 3)


def test_incomplete_header_is_an_error() -> None:
    with pytest.raises(LayoutError) as caught:
        HeaderedRows([block(1, ("ИНН",), ("1", "", "u"))], POSITIONAL_FIELDS, headerless=True)
    assert caught.value.code == "missing_column"


def test_headerless_sheet_needs_permission() -> None:
    for fields, headerless in ((POSITIONAL_FIELDS, False), (FIELDS, True)):
        with pytest.raises(LayoutError):
            HeaderedRows([block(1, ("x",), ("1", "", "u"))], fields, headerless=headerless)
