"""Compares a worksheet with the previous attempt, and records blocks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer.sources.google_sheets.blocks import Block
from consumer.sources.google_sheets.resumable_blocks import ResumableBlocks, Spool
from consumer.sources.google_sheets.worksheet_state import WorksheetState
from consumer.sources.google_sheets.worksheets import Worksheet

SHEET = Worksheet("Лист1", 7, 100, 3)
ONE, TWO, FOUR = Block(1, [["a"]]), Block(10_001, [[], ["b"]]), Block(30_001, [[1.0, True, None, "d"]])


class CountingBlocks:
    """Blocks, and the number of those taken."""

    def __init__(self, *blocks: Block) -> None:
        self._blocks = iter(blocks)
        self.consumed = 0

    def __iter__(self) -> Iterator[Block]:
        return self

    def __next__(self) -> Block:
        block = next(self._blocks)
        self.consumed += 1
        return block


def make_progress(
    folder: Path, *blocks: Block, title: str = "Лист1"
) -> tuple[ResumableBlocks, CountingBlocks]:
    stream = CountingBlocks(*blocks)
    return ResumableBlocks(stream, title, Spool(folder)), stream


def make_state(*blocks: Block, generation: int = 1) -> WorksheetState:
    return WorksheetState("Лист1", generation, {block.first: block.content_hash() for block in blocks})


def test_block_is_recorded_when_returned(tmp_path: Path) -> None:
    found, _ = make_progress(tmp_path, ONE, TWO)
    assert found.state == make_state()
    handed = found.blocks()
    assert next(handed) == ONE
    assert found.state == make_state(ONE)
    assert list(handed) == [TWO]
    assert found.state == make_state(ONE, TWO)


def test_unchanged_blocks_continue_the_load(tmp_path: Path) -> None:
    found, stream = make_progress(tmp_path, ONE, TWO, FOUR)
    found.resume(make_state(ONE, TWO, generation=3), same_sheet=True)
    assert (found.state, stream.consumed) == (make_state(ONE, TWO, generation=3), 2)
    assert list(found.blocks()) == [ONE, TWO, FOUR]
    assert found.state == make_state(ONE, TWO, FOUR, generation=3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "now",
    [
        (Block(1, [["A"]]), TWO, FOUR),
        (ONE, Block(10_001, [["b"]]), FOUR),
        (ONE, TWO),
        (ONE, FOUR),
        (ONE, TWO, Block(20_001, [["c"]]), FOUR),
        (TWO, FOUR),
        (),
    ],
    ids=["edited", "moved", "cut", "emptied", "filled", "top emptied", "all gone"],
)
def test_any_difference_starts_new_load(tmp_path: Path, now: tuple[Block, ...]) -> None:
    found, _ = make_progress(tmp_path, *now)
    found.resume(make_state(ONE, TWO, FOUR), same_sheet=True)
    assert found.state == WorksheetState("Лист1", 2)
    assert tuple(found.blocks()) == now
    assert found.state == make_state(*now, generation=2)


def test_other_title_or_sheet_starts_new_load_without_reading(tmp_path: Path) -> None:
    for title, same in (("Лист2", True), ("Лист1", False)):
        found, stream = make_progress(tmp_path, ONE, title=title)
        found.resume(make_state(ONE), same_sheet=same)
        assert (found.state, stream.consumed) == (WorksheetState(title, 2), 0)


def test_worksheet_state_round_trip() -> None:
    state = make_state(ONE, FOUR, generation=4)
    assert WorksheetState.from_json(state.to_json()) == state


def test_fingerprint_differs_between_loads() -> None:
    state, other = make_state(ONE, TWO), Worksheet("Лист1", 8, 100, 3)
    same = WorksheetState("Лист1", 1, {1: ONE.content_hash()})
    assert state.fingerprint("a", SHEET) == same.fingerprint("a", SHEET)
    assert (
        len(
            {
                state.fingerprint("a", SHEET),
                state.fingerprint("b", SHEET),
                state.fingerprint("a", other),
                make_state(ONE, TWO, generation=2).fingerprint("a", SHEET),
                WorksheetState("Лист2", 1, state.hashes).fingerprint("a", SHEET),
                make_state(TWO).fingerprint("a", SHEET),
            }
        )
        == 6
    )


@pytest.mark.parametrize(
    ("blocks", "generation"),
    [
        pytest.param((ONE, TWO), 1, id="unchanged"),
        pytest.param((ONE, TWO, FOUR), 2, id="rows were appended"),
        pytest.param((ONE, TWO, Block(30_001, [[" "]])), 1, id="blank cells hold no row"),
        pytest.param((ONE,), 2, id="rows were removed"),
    ],
)
def test_sheet_that_was_read_as_a_whole_has_no_further_blocks(
    tmp_path: Path, blocks: tuple[Block, ...], generation: int
) -> None:
    found, _ = make_progress(tmp_path, *blocks)
    found.resume(make_state(ONE, TWO), same_sheet=True, is_whole=True)
    assert found.state.generation == generation
    assert list(found.blocks()) == list(blocks)
