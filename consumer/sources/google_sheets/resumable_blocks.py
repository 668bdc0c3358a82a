"""The blocks of a worksheet: first compared with the previous attempt, then returned and recorded."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from consumer.sources.google_sheets.blocks import Block
from consumer.sources.google_sheets.worksheet_state import WorksheetState
from consumer.sources.row_block import has_content


class Spool:
    """A queue of blocks on disk: comparing all blocks of a worksheet must not hold them in memory.

    Files are removed when taken, or with the job's temporary folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._firsts: list[int] = []

    def put(self, block: Block) -> None:
        """Append a block."""
        self._path(block.first).write_bytes(block.to_json_bytes())
        self._firsts.append(block.first)

    def take(self) -> Iterator[Block]:
        """Remove and return all blocks in order."""
        while self._firsts:
            path = self._path(first := self._firsts.pop(0))
            rows = json.loads(path.read_bytes())
            path.unlink()
            yield Block(first, rows)

    def _path(self, first: int) -> Path:
        return self._folder / f"rows-from-{first}.json"


class ResumableBlocks:
    """The blocks of a worksheet, each once; `state` records those returned so far."""

    def __init__(self, blocks: Iterator[Block], title: str, spool: Spool) -> None:
        self._blocks = blocks
        self._spool = spool
        self.state = WorksheetState(title)

    def resume(self, previous: WorksheetState, *, same_sheet: bool, is_whole: bool = False) -> None:
        """Read the blocks that the previous attempt had read; continue its load if they are unchanged.

        Otherwise a new load begins, with the next generation. `is_whole`: it had read all blocks, so that one
        more is a change.
        """
        if same_sheet and self._matches(previous) and not (is_whole and self._has_more()):
            self.state = previous
        else:
            self.state = WorksheetState(self.state.title, previous.generation + 1)

    def blocks(self) -> Iterator[Block]:
        """All blocks from the top; each is added to the state before it is returned."""
        for block in chain(self._spool.take(), self._blocks):
            hashes = {**self.state.hashes, block.first: block.content_hash()}
            self.state = replace(self.state, hashes=hashes)
            yield block

    def _has_more(self) -> bool:
        """Whether a block with visible cells follows: others hold no row, and may not have been recorded."""
        for block in self._blocks:
            self._spool.put(block)
            if any(map(has_content, block.rows)):
                return True
        return False

    def _matches(self, previous: WorksheetState) -> bool:
        if self.state.title != previous.title:
            return False
        hashes: dict[int, str] = {}
        last = max(previous.hashes, default=0)
        while max(hashes, default=0) < last:
            block = next(self._blocks, None)
            if block is None:
                return False
            self._spool.put(block)
            hashes[block.first] = block.content_hash()
            if previous.hashes.get(block.first) != hashes[block.first]:
                return False
        return hashes == previous.hashes
