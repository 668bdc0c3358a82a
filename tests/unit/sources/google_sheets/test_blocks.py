"""Blocks begin at the same rows, whatever the ranges."""

from hypothesis import given
from hypothesis import strategies as st

from consumer.sources.google_sheets.blocks import BLOCK_ROWS, Block, group_into_blocks
from consumer.sources.google_sheets.cells import Row
from consumer.sources.google_sheets.ranges import RowRange


def rows(*numbers: int) -> list[Row]:
    return [[number] for number in numbers]


def test_blocks_begin_at_fixed_rows() -> None:
    found = list(
        group_into_blocks(
            [RowRange(1, rows(*range(1, 15_001))), RowRange(15_001, rows(*range(15_001, 20_003)))]
        )
    )
    assert [(block.first, len(block.rows)) for block in found] == [(1, 10_000), (10_001, 10_000), (20_001, 2)]
    assert [row for block in found for row in block.rows] == rows(*range(1, 20_003))


def test_complete_block_is_returned_at_once() -> None:
    def stream() -> object:
        yield RowRange(1, rows(*range(1, BLOCK_ROWS + 1)))
        raise AssertionError("asked for more than the first block")

    assert next(group_into_blocks(stream())).first == 1  # type: ignore[arg-type]


def test_rows_keep_their_numbers_over_gaps() -> None:
    found = list(
        group_into_blocks([RowRange(1, rows(1)), RowRange(4, [[], [5]]), RowRange(50_001, [[], [50_002]])])
    )
    assert found == [Block(1, [[1], [], [], [], [5]]), Block(50_001, [[], [50_002]])]


def test_empty_rows_at_end_of_block_are_dropped() -> None:
    row_range = RowRange(1, [[1], *([[]] * BLOCK_ROWS), [10_002]])
    assert list(group_into_blocks([row_range])) == [Block(1, [[1]]), Block(10_001, [[], [10_002]])]


def test_empty_rows_make_no_block() -> None:
    assert list(group_into_blocks([RowRange(1, []), RowRange(10_001, [[], []])])) == []


def test_hash_distinguishes_types() -> None:
    kinds: list[Row] = [[1], [1.0], [True], ["1"], [None, 1], [1, 1], ["True"], ["ё"], ["\ud83d"]]
    assert len({Block(1, [row]).content_hash() for row in kinds}) == len(kinds)
    assert Block(1, [["a"], ["b"]]).content_hash() != Block(1, [["a", "b"]]).content_hash()


@given(st.lists(st.integers(0, 7), max_size=12), st.integers(0, 25_000))
def test_blocks_are_independent_of_ranges(sizes: list[int], start: int) -> None:
    all_rows = rows(*range(sum(sizes)))
    cut, at = [], start + 1
    for size in sizes:
        cut.append(RowRange(at, all_rows[at - start - 1 : at - start - 1 + size]))
        at += size
    assert list(group_into_blocks(cut)) == list(group_into_blocks([RowRange(start + 1, all_rows)]))
