"""Rows in blocks that begin at the same rows, whatever ranges they came in."""

from hypothesis import given
from hypothesis import strategies as st

from consumer.sources.google_sheets.blocks import BLOCK_ROWS, Block, blocks
from consumer.sources.google_sheets.cells import Row
from consumer.sources.google_sheets.ranges import Stretch


def rows(*numbers: int) -> list[Row]:
    return [[number] for number in numbers]


def test_blocks_begin_at_fixed_rows() -> None:
    found = list(blocks([Stretch(1, rows(*range(1, 15_001))), Stretch(15_001, rows(*range(15_001, 20_003)))]))
    assert [(block.first, len(block.rows)) for block in found] == [(1, 10_000), (10_001, 10_000), (20_001, 2)]
    assert [row for block in found for row in block.rows] == rows(*range(1, 20_003))


def test_a_whole_block_is_not_held_back() -> None:
    def stream() -> object:
        yield Stretch(1, rows(*range(1, BLOCK_ROWS + 1)))
        raise AssertionError("asked for more than the first block")

    assert next(blocks(stream())).first == 1  # type: ignore[arg-type]


def test_rows_keep_their_places_over_gaps() -> None:
    found = list(blocks([Stretch(1, rows(1)), Stretch(4, [[], [5]]), Stretch(50_001, [[], [50_002]])]))
    assert found == [Block(1, [[1], [], [], [], [5]]), Block(50_001, [[], [50_002]])]


def test_rows_that_hold_nothing_at_the_end_of_a_block_are_left_out() -> None:
    stretch = Stretch(1, [[1], *([[]] * BLOCK_ROWS), [10_002]])
    assert list(blocks([stretch])) == [Block(1, [[1]]), Block(10_001, [[], [10_002]])]


def test_nothing_makes_no_block() -> None:
    assert list(blocks([Stretch(1, []), Stretch(10_001, [[], []])])) == []


def test_what_reads_alike_is_told_apart() -> None:
    kinds: list[Row] = [[1], [1.0], [True], ["1"], [None, 1], [1, 1], ["True"], ["ё"], ["\ud83d"]]
    assert len({Block(1, [row]).hash() for row in kinds}) == len(kinds)
    assert Block(1, [["a"], ["b"]]).hash() != Block(1, [["a", "b"]]).hash()


@given(st.lists(st.integers(0, 7), max_size=12), st.integers(0, 25_000))
def test_blocks_do_not_depend_on_how_rows_came(sizes: list[int], start: int) -> None:
    whole = rows(*range(sum(sizes)))
    cut, at = [], start + 1
    for size in sizes:
        cut.append(Stretch(at, whole[at - start - 1 : at - start - 1 + size]))
        at += size
    assert list(blocks(cut)) == list(blocks([Stretch(start + 1, whole)]))
