"""Blocks that were read before their turn wait on disk: comparing them all must not take all memory."""

import json
from collections.abc import Iterator
from pathlib import Path

from consumer.sources.google_sheets.blocks import Block


class Spool:
    """Blocks in the order they were put in; the files go with the scratch folder, or when taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._firsts: list[int] = []

    def put(self, block: Block) -> None:
        """Keep a block."""
        self._path(block.first).write_bytes(block.to_json_bytes())
        self._firsts.append(block.first)

    def take(self) -> Iterator[Block]:
        """All blocks, each once."""
        while self._firsts:
            path = self._path(first := self._firsts.pop(0))
            rows = json.loads(path.read_bytes())
            path.unlink()
            yield Block(first, rows)

    def _path(self, first: int) -> Path:
        return self._folder / f"rows-from-{first}.json"
