"""Identity of a load: the version of its rules, the day it started, the fingerprint of its source.

The service stores all three as the job's fingerprint. Rows validated by other rules belong to another load,
so no load mixes two versions of the rules. A resumed load keeps its day.
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
        """The identity of a stored load; None if there is no fingerprint, or one of another form."""
        parts = (fingerprint or "").rsplit("/", 2)
        if len(parts) != 3:
            return None
        rules_version, day, source = parts
        return cls(rules_version, date.fromisoformat(day), source)

    @property
    def fingerprint(self) -> str:
        """The form that is stored: `rules_version/day/source`."""
        return f"{self.rules_version}/{self.day.isoformat()}/{self.source}"
