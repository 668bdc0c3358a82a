"""The state of a worksheet, kept between attempts: a hash for each block, and the number of the load."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from consumer.sources.google_sheets.worksheets import Worksheet


@dataclass(frozen=True, slots=True)
class WorksheetState:
    """The worksheet's title, the number of the load in this job, and first row of a block → its hash.

    A block before the last one that has no hash was empty.
    """

    title: str
    generation: int = 1
    hashes: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The state that `to_json` returned in an earlier attempt."""
        hashes = {int(first): block_hash for first, block_hash in stored["ranges"].items()}
        return cls(stored["title"], stored["generation"], hashes)

    def to_json(self) -> dict[str, Any]:
        """The state for the next attempt."""
        ranges = {str(first): block_hash for first, block_hash in self.hashes.items()}
        return {"title": self.title, "generation": self.generation, "ranges": ranges}

    def fingerprint(self, spreadsheet_id: str, sheet: Worksheet) -> str:
        """SHA-256 (hex) that identifies this load of this worksheet."""
        parts = [spreadsheet_id, sheet.sheet_id, self.title, self.generation, self.hashes.get(1)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
