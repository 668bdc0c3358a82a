"""The shape of a dataset: which columns it knows, how rows are checked, how a batch is merged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from consumer.records import Cell, Chunk


@dataclass(frozen=True, slots=True)
class Relation:
    """The table of another database that holds a dataset.

    `table` is its usual name, `key` an integer column that never repeats, `columns` goes by field.
    Of `only` (column, value) the rows with that value, or with null, belong to the dataset.
    `identity` are the fields that tell which row was the first of its kind: all that is read again of
    rows that are stored.
    """

    table: str
    key: str
    columns: Mapping[str, str]
    only: tuple[str, str]
    identity: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bare:
    """A sheet without a header: its fields from column A on, and what row 2 must pass to be taken so."""

    fields: tuple[str, ...]
    proof: Mapping[str, Callable[[Cell], bool]]


@dataclass(frozen=True, slots=True)
class Fields:
    """The columns a dataset understands: field → the headers it is known by, as people write them.

    `relation` and `bare` say where it lies in a database, and in a sheet without a header.
    """

    headers: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    relation: Relation | None = None
    bare: Bare | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """The first `rows` rows of a chunk after the rules, ready for COPY.

    Fewer than all where rejected rows take much space: the others are checked next.
    Each section is COPY text for one stage table; every line begins with the position of the row it
    belongs to, ascending, so that a batch can be cut at a position.
    """

    rows: int
    accepted: int
    rejected: int
    warnings: Mapping[str, int]
    sections: Mapping[str, bytes]


class Checker(Protocol):
    """Checks the chunks of one load, in order, from the top of the source."""

    def skip(self, chunk: Chunk, refused: Mapping[int, str]) -> None:
        """Take note of rows that an earlier attempt of this load has stored already."""
        ...

    def check(self, chunk: Chunk, refused: Mapping[int, str]) -> Checked:
        """Apply the rules to the first rows.

        `refused` are positions that Postgres refused, with its SQLSTATE: they are rejected.
        """
        ...


@dataclass(frozen=True, slots=True)
class StageTable:
    """A session temp table that COPY fills; `columns` in the order of the text."""

    name: str
    columns: tuple[str, ...]


REJECTS = StageTable(
    "stage_rejects", ("position", "record_identifier", "errors", "record", "kinds", "record_cut")
)
"""The section every dataset writes its rejected rows to; the store moves it to `migration_errors`."""


@dataclass(frozen=True, slots=True)
class Merge:
    """How a batch becomes rows of the target: values only, the store runs them.

    `session` makes the temp tables, once a connection (ON COMMIT DELETE ROWS, or kept over batches
    inside the same transactions). `stages` are filled in this order. `statements` run in order after
    the fence; `counts` comes last and returns one row: inserted, updated, unchanged, duplicates
    (bigint, of the accepted rows) and warnings (jsonb, code → count).
    """

    session: str
    stages: tuple[StageTable, ...]
    statements: tuple[str, ...]
    counts: str


@dataclass(frozen=True, slots=True)
class StoredCheck:
    """Values that an earlier version may have stored, and the rules of today would not give.

    `query` returns rows (id bigint, value text) that may be such, `is_kept` whether the rules keep a value.
    `what` names them behind their number; the page of the dataset says how to list and remove them.
    """

    what: str
    query: str
    is_kept: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Dataset:
    """What rows of one kind mean. `checker` and `merge` take the type of the source.

    `checker` takes as well the day the load began. `rules_version` moves whenever a cell may mean something
    else than before: a load goes on only under the rules it began with.
    """

    name: str
    rules_version: str
    fields: Fields
    checker: Callable[[str, date], Checker]
    merge: Callable[[str], Merge]
    stored_checks: tuple[StoredCheck, ...] = ()
