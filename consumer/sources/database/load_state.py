"""Which load an attempt belongs to: it goes on with the one before, or a new one begins. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from consumer.errors import LayoutError, PermanentError
from consumer.sources.base import SourceConfig
from consumer.sources.database.count import RowCount
from consumer.sources.database.digest import RowsDigest
from consumer.sources.database.table_lookup import ResolvedTable
from schemas.codes import ErrorCode


@dataclass(frozen=True, slots=True)
class LoadState:
    """Rows up to `highest`, `count` of them: what came later is not part of the job.

    `generation` grows when rows of a load were gone; `changed_in_run` is the run in which that was seen.
    `digest` stands for those up to the key `last_key`, which were handed out.
    """

    count: int
    highest: int
    generation: int = 0
    changed_in_run: int | None = None
    digest: str | None = None
    last_key: int | None = None

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """What an earlier attempt stored."""
        known = (state["count"], state["highest"], state["generation"], state["changed_in_run"])
        return cls(*known, state.get("digest"), state.get("last_key"))

    def to_json(self) -> dict[str, Any]:
        """What the next attempt has to know."""
        return asdict(self)

    def with_emitted(self, rows: RowsDigest) -> Self:
        """The load when these rows were handed out."""
        return (
            self if rows.last_key is None else replace(self, digest=rows.hexdigest(), last_key=rows.last_key)
        )

    def fingerprint(self, table: ResolvedTable) -> str:
        """What stands for these rows of this table."""
        known = [table.database, table.oid, table.schema, table.name]
        text = json.dumps([*known, self.count, self.highest, self.generation])
        return hashlib.sha256(text.encode()).hexdigest()


def previous_load(table: ResolvedTable, config: SourceConfig) -> LoadState | None:
    """The load of an earlier attempt, where it was of this very table."""
    if config.state is None:
        return None
    load = LoadState.from_json(config.state)
    return load if load.fingerprint(table) == config.fingerprint else None


def rows_still_present(load: LoadState, counted: RowCount, config: SourceConfig) -> bool:
    """Whether the rows of a load are all still there, those that are stored and the others."""
    return counted.rows == load.count and counted.rows_done == config.rows_done


def is_unchanged(load: LoadState, stored: RowsDigest) -> bool:
    """Whether the rows that are stored are those that were handed out, as far as that is known of them.

    A replica of an older version goes on without a digest, and leaves the one it found.
    """
    return load.digest is None or load.last_key != stored.last_key or load.digest == stored.hexdigest()


def new_load(table: ResolvedTable, counted: RowCount) -> LoadState:
    """A load of all there is now; raises LayoutError where that is nothing."""
    if counted.max_key is None:
        raise LayoutError(
            ErrorCode.NO_ROWS,
            f"The table «{table.label}» has no rows for this import. Fill it, or ask for another table.",
        )
    return LoadState(counted.rows, counted.max_key)


def restart_load(load: LoadState, counted: RowCount, table: ResolvedTable, config: SourceConfig) -> LoadState:
    """The load that replaces one whose rows are gone, once a run; raises PermanentError."""
    if load.changed_in_run == config.run:
        raise PermanentError(
            ErrorCode.SOURCE_CHANGED,
            f"Rows of the table «{table.label}» were deleted, changed, or came in between while it was read, "
            "and again after a new start. Retry the job when nobody changes the table.",
        )
    now = new_load(table, counted)
    return LoadState(now.count, now.highest, load.generation + 1, config.run)
