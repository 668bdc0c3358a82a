"""Which load an attempt belongs to: it goes on with the one before, or a new one begins. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from consumer.errors import LayoutProblem, PermanentError
from consumer.sources.base import Reading
from consumer.sources.database.count import Counted
from consumer.sources.database.digest import Digest
from consumer.sources.database.table import Table
from schemas.codes import ErrorCode


@dataclass(frozen=True, slots=True)
class Load:
    """Rows up to `highest`, `count` of them: what came later is not part of the job.

    `generation` grows when rows of a load were gone; `changed_in_run` is the run in which that was seen.
    `digest` stands for those up to the key `upto`, which were handed out.
    """

    count: int
    highest: int
    generation: int = 0
    changed_in_run: int | None = None
    digest: str | None = None
    upto: int | None = None

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """What an earlier attempt stored."""
        known = (state["count"], state["highest"], state["generation"], state["changed_in_run"])
        return cls(*known, state.get("digest"), state.get("upto"))

    def as_state(self) -> dict[str, Any]:
        """What the next attempt has to know."""
        return asdict(self)

    def handed_out(self, rows: Digest) -> Self:
        """The load when these rows were handed out."""
        return self if rows.upto is None else replace(self, digest=rows.value(), upto=rows.upto)

    def fingerprint(self, table: Table) -> str:
        """What stands for these rows of this table."""
        known = [table.database, table.oid, table.schema, table.name]
        text = json.dumps([*known, self.count, self.highest, self.generation])
        return hashlib.sha256(text.encode()).hexdigest()


def earlier(table: Table, reading: Reading) -> Load | None:
    """The load of an earlier attempt, where it was of this very table."""
    if reading.state is None:
        return None
    load = Load.from_state(reading.state)
    return load if load.fingerprint(table) == reading.fingerprint else None


def is_whole(load: Load, found: Counted, reading: Reading) -> bool:
    """Whether the rows of a load are all still there, those that are stored and the others."""
    return found.rows == load.count and found.stored == reading.stored


def is_unchanged(load: Load, stored: Digest) -> bool:
    """Whether the rows that are stored are those that were handed out, as far as that is known of them.

    A replica of an older version goes on without a digest, and leaves the one it found.
    """
    return load.digest is None or load.upto != stored.upto or load.digest == stored.value()


def first(table: Table, found: Counted) -> Load:
    """A load of all there is now; raises LayoutProblem where that is nothing."""
    if found.highest is None:
        raise LayoutProblem(
            ErrorCode.NO_ROWS,
            f"The table «{table.label}» has no rows for this import. Fill it, or ask for another table.",
        )
    return Load(found.rows, found.highest)


def anew(load: Load, found: Counted, table: Table, reading: Reading) -> Load:
    """The load that replaces one whose rows are gone, once a run; raises PermanentError."""
    if load.changed_in_run == reading.run:
        raise PermanentError(
            ErrorCode.SOURCE_CHANGED,
            f"Rows of the table «{table.label}» were deleted, changed, or came in between while it was read, "
            "and again after a new start. Retry the job when nobody changes the table.",
        )
    now = first(table, found)
    return Load(now.count, now.highest, load.generation + 1, reading.run)
