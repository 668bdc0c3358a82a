"""The state of a load of a table, kept between attempts; pure functions."""

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
    """The `count` rows up to the key `max_key`; rows added later do not belong to the job.

    `generation` is incremented when rows of the load changed; `changed_in_run` is the last run in which that
    was detected. `digest` is the `RowsDigest` of the rows returned so far, up to the key `last_key`; both are
    None before the first.
    """

    count: int
    max_key: int
    generation: int = 0
    changed_in_run: int | None = None
    digest: str | None = None
    last_key: int | None = None

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """The state that `to_json` returned in an earlier attempt."""
        return cls(**state)

    def to_json(self) -> dict[str, Any]:
        """The state for the next attempt."""
        return asdict(self)

    def with_emitted(self, rows: RowsDigest) -> Self:
        """The state after the rows of a digest were returned."""
        if rows.last_key is None:
            return self
        return replace(self, digest=rows.hexdigest(), last_key=rows.last_key)

    def fingerprint(self, table: ResolvedTable) -> str:
        """SHA-256 (hex) that identifies this load of this table."""
        identity = [table.database, table.oid, table.schema, table.name]
        text = json.dumps([*identity, self.count, self.max_key, self.generation])
        return hashlib.sha256(text.encode()).hexdigest()


def previous_load(table: ResolvedTable, config: SourceConfig) -> LoadState | None:
    """The load of the previous attempt, None if there is none or it was of another table."""
    if config.state is None:
        return None
    load = LoadState.from_json(config.state)
    return load if load.fingerprint(table) == config.fingerprint else None


def rows_still_present(load: LoadState, counted: RowCount, config: SourceConfig) -> bool:
    """Whether as many rows exist as before: in all, and up to the checkpoint."""
    return counted.rows == load.count and counted.rows_done == config.rows_done


def is_unchanged(load: LoadState, stored: RowsDigest) -> bool:
    """Whether the rows up to the checkpoint are those that were returned before.

    `stored` is their digest as they are now. True if the load's digest ends at another key: they cannot be
    compared then.
    """
    return load.digest is None or load.last_key != stored.last_key or load.digest == stored.hexdigest()


def new_load(table: ResolvedTable, counted: RowCount) -> LoadState:
    """A load of all current rows. Raises LayoutError (`no_rows`) if there are none."""
    if counted.max_key is None:
        raise LayoutError(
            ErrorCode.NO_ROWS,
            f"The table «{table.label}» has no rows for this import. Fill it, or ask for another table.",
        )
    return LoadState(counted.rows, counted.max_key)


def restart_load(load: LoadState, counted: RowCount, table: ResolvedTable, config: SourceConfig) -> LoadState:
    """The load that replaces one whose rows changed. Raises PermanentError the second time in a run."""
    if load.changed_in_run == config.run:
        raise PermanentError(
            ErrorCode.SOURCE_CHANGED,
            f"Rows of the table «{table.label}» were deleted, changed, or came in between while it was read, "
            "and again after a new start. Retry the job when the table does not change.",
        )
    fresh = new_load(table, counted)
    return replace(fresh, generation=load.generation + 1, changed_in_run=config.run)
