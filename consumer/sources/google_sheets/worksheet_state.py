"""What is known of a worksheet between two attempts: a hash for each block, and how often it changed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from consumer.sources.google_sheets.worksheets import Worksheet


@dataclass(frozen=True, slots=True)
class WorksheetState:
    """The worksheet's title, the hashes by first row of a block, and the number of the load in this job.

    Blocks up to the last that is known, and not known themselves, held nothing.
    """

    title: str
    generation: int = 1
    hashes: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Take what was kept."""
        hashes = {int(first): found for first, found in stored["ranges"].items()}
        return cls(stored["title"], stored["generation"], hashes)

    def to_json(self) -> dict[str, Any]:
        """What is to be kept."""
        ranges = {str(first): found for first, found in self.hashes.items()}
        return {"title": self.title, "generation": self.generation, "ranges": ranges}

    def fingerprint(self, spreadsheet_id: str, sheet: Worksheet) -> str:
        """What stays the same as long as the load does."""
        parts = [spreadsheet_id, sheet.sheet_id, self.title, self.generation, self.hashes.get(1)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
