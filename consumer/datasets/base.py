"""The shape of a dataset: which columns it knows, how rows are checked, how a batch is merged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from consumer.cells.chunks import Cell, Chunk


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The table of another database that holds a dataset.

    `table` is its usual name, `key` an integer column that never repeats, `columns` goes by field.
    Of `row_filter` (column, value) the rows with that value, or with null, belong to the dataset.
    `identity` are the fields that tell which row was the first of its kind: all that is read again of
    rows that are stored.
    """

    table: str
    key: str
    columns: Mapping[str, str]
    row_filter: tuple[str, str]
    identity_fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PositionalLayout:
    """A sheet without a header: its fields from column A on, and what row 2 must pass to be taken so."""

    fields: tuple[str, ...]
    detectors: Mapping[str, Callable[[Cell], bool]]


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """The columns a dataset understands: field → the headers it is known by, as people write them.

    `source_table` and `positional_layout` say where it lies in a database, and in a sheet without a header.
    """

    headers: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    source_table: SourceTable | None = None
    positional_layout: PositionalLayout | None = None


@dataclass(frozen=True, slots=True)
class ValidatedBatch:
    """The first `rows` rows of a chunk after the rules, ready for COPY.

    Fewer than all where rejected rows take much space: the others are checked next.
    Each section is COPY text for one stage table; every line begins with the position of the row it
    belongs to, ascending, so that a batch can be cut at a position.
    """

    row_count: int
    accepted: int
    rejected: int
    warnings: Mapping[str, int]
    copy_streams: Mapping[str, bytes]


class RowValidator(Protocol):
    """Checks the chunks of one load, in order, from the top of the source."""

    def replay(self, chunk: Chunk, rejected_by_database: Mapping[int, str]) -> None:
        """Take note of rows that an earlier attempt of this load has stored already."""
        ...

    def validate(self, chunk: Chunk, rejected_by_database: Mapping[int, str]) -> ValidatedBatch:
        """Apply the rules to the first rows.

        `rejected_by_database` are positions that Postgres refused, with its SQLSTATE: they are rejected.
        """
        ...


@dataclass(frozen=True, slots=True)
class StagingTable:
    """A session temp table that COPY fills; `columns` in the order of the text."""

    name: str
    columns: tuple[str, ...]


REJECTED_ROWS = StagingTable(
    "stage_rejects", ("position", "record_identifier", "errors", "record", "kinds", "record_cut")
)
"""The section every dataset writes its rejected rows to; the store moves it to `migration_errors`."""


@dataclass(frozen=True, slots=True)
class MergePlan:
    """How a batch becomes rows of the target: values only, the store runs them.

    `session` makes the temp tables, once a connection (ON COMMIT DELETE ROWS, or kept over batches
    inside the same transactions). `staging_tables` are filled in this order. `statements` run in order after
    the fence; `counts` comes last and returns one row: inserted, updated, unchanged, duplicates
    (bigint, of the accepted rows) and warnings (jsonb, code → count).
    """

    create_temp_tables: str
    staging_tables: tuple[StagingTable, ...]
    statements: tuple[str, ...]
    counts_query: str


@dataclass(frozen=True, slots=True)
class StoredValueCheck:
    """Values that an earlier version may have stored, and the rules of today would not give.

    `query` returns rows (id bigint, value text) that may be such, `is_still_valid` whether the rules keep a value.
    `what` names them behind their number; the page of the dataset says how to list and remove them.
    """

    description: str
    query: str
    is_still_valid: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Dataset:
    """What rows of one kind mean. `make_validator` and `merge` take the type of the source.

    `make_validator` takes as well the day the load began. `rules_version` moves whenever a cell may mean something
    else than before: a load goes on only under the rules it began with.
    """

    name: str
    rules_version: str
    column_spec: ColumnSpec
    make_validator: Callable[[str, date], RowValidator]
    make_merge_plan: Callable[[str], MergePlan]
    stored_value_checks: tuple[StoredValueCheck, ...] = ()
