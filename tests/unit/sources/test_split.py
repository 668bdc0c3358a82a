from collections.abc import Sequence

import pytest

from consumer.cells.chunks import Chunk
from consumer.sources.split import split_by_size


def chunk(texts: Sequence[object]) -> Chunk:
    positions = range(10, 10 + len(texts))
    return Chunk(positions, {"name": texts, "kind": ["k"] * len(texts)}, lambda i: {"name": texts[i]})


@pytest.mark.parametrize(
    ("lengths", "sizes"),
    [
        ([10, 10, 10], [3]),
        ([40, 40, 10, 10], [2, 2]),
        ([100, 1, 1, 1], [1, 1, 2]),
        ([500], [1]),
        ([500, 500, 500], [1, 1, 1]),
    ],
)
def test_pieces_are_within_the_limit_or_one_row(lengths: list[int], sizes: list[int]) -> None:
    unsplit = chunk(["x" * length for length in lengths])
    found = list(split_by_size(unsplit, 90))
    assert [len(piece.positions) for piece in found] == sizes
    assert [at for piece in found for at in piece.positions] == list(unsplit.positions)
    assert [name for piece in found for name in piece.columns["name"]] == unsplit.columns["name"]
    records = [piece.record(i) for piece in found for i in range(len(piece.positions))]
    assert records == [unsplit.record(i) for i in range(len(lengths))]


def test_unmapped_columns_do_not_count() -> None:
    unsplit = Chunk(range(4), {"name": ["n"] * 4}, lambda i: {"name": "n", "other": "x" * 1_000})
    assert [len(piece.positions) for piece in split_by_size(unsplit, 10)] == [4]


def test_only_texts_count() -> None:
    cells = [None, 1.5, True, "x" * 95]
    assert [len(piece.positions) for piece in split_by_size(chunk(cells), 90)] == [2, 1, 1]
    assert [len(piece.positions) for piece in split_by_size(chunk(cells), 100)] == [4]
