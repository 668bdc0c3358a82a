"""What a load is known by: the rules its rows keep, the day it began, and what its source holds.

All of it is the fingerprint that the service stores: a checkpoint made under other rules belongs to another
load, so that no load mixes two sets of rules. The day stays the same however often a load is resumed.
"""

from dataclasses import dataclass
from datetime import date
from typing import Self


@dataclass(frozen=True, slots=True)
class LoadIdentity:
    """`source` is the fingerprint of the source; `day` counts in UTC."""

    rules_version: str
    day: date
    source: str

    @classmethod
    def parse(cls, fingerprint: str | None) -> Self | None:
        """The identity of a stored load; None for one of a service that stored the source alone."""
        parts = (fingerprint or "").rsplit("/", 2)
        if len(parts) != 3:
            return None
        rules_version, day, source = parts
        return cls(rules_version, date.fromisoformat(day), source)

    @property
    def fingerprint(self) -> str:
        """As it is stored."""
        return f"{self.rules_version}/{self.day.isoformat()}/{self.source}"
