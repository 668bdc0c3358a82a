"""Blocks on their way to the dataset: compared with an earlier attempt first, noted when handed out."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from consumer.sources.google_sheets.blocks import Block
from consumer.sources.google_sheets.spool import Spool
from consumer.sources.google_sheets.worksheet_state import WorksheetState


class ResumableBlocks:
    """The blocks of a worksheet, each once, and the state that grows with them."""

    def __init__(self, blocks: Iterator[Block], title: str, spool: Spool) -> None:
        self._blocks = blocks
        self._spool = spool
        self.state = WorksheetState(title)

    def resume(self, previous: WorksheetState, *, same_sheet: bool) -> None:
        """Read what an earlier attempt has read: if it is the same its load goes on, else one begins."""
        if same_sheet and self._matches(previous):
            self.state = previous
        else:
            self.state = WorksheetState(self.state.title, previous.generation + 1)

    def blocks(self) -> Iterator[Block]:
        """All blocks from the top; a block is in the state from when it is handed out."""
        for block in chain(self._spool.take(), self._blocks):
            hashes = {**self.state.hashes, block.first: block.content_hash()}
            self.state = replace(self.state, hashes=hashes)
            yield block

    def _matches(self, previous: WorksheetState) -> bool:
        if self.state.title != previous.title:
            return False
        found: dict[int, str] = {}
        last = max(previous.hashes, default=0)
        while max(found, default=0) < last:
            block = next(self._blocks, None)
            if block is None:
                return False
            self._spool.put(block)
            found[block.first] = block.content_hash()
            if previous.hashes.get(block.first) != found[block.first]:
                return False
        return found == previous.hashes
