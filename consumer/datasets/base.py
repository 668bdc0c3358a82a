"""The types of a dataset: its columns, the validation of its rows, the merge of a batch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from consumer.cells.chunks import Cell, Chunk
from schemas.codes import RejectCode


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The table of a source database that has the rows of a dataset.

    `table` is its default name, `key` a unique integer column, `columns` is by field.
    Rows with the value of `row_filter` (column, value), or with null, belong to the dataset.
    `identity_fields` decide which row is the first of its kind; nothing else is read again of stored rows.
    """

    table: str
    key: str
    columns: Mapping[str, str]
    row_filter: tuple[str, str]
    identity_fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PositionalLayout:
    """A sheet without a header: its fields from column A on.

    It is read so if the cells of row 2 pass `detectors`, which is by field.
    """

    fields: tuple[str, ...]
    detectors: Mapping[str, Callable[[Cell], bool]]


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """The columns of a dataset: field → its headers, as users write them.

    `source_table` and `positional_layout` are for databases and for sheets without a header.
    """

    headers: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    source_table: SourceTable | None = None
    positional_layout: PositionalLayout | None = None


TemplateValue = str | int | date
"""A cell of a template."""


class TemplateFormat(StrEnum):
    """How cells of a template's column are formatted."""

    TEXT = "text"
    WHOLE_NUMBER = "whole number"
    DATE = "date"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class TemplateColumn:
    """A column of the workbook that people fill in.

    `russian` and `english` say what belongs into it, each in one or more sentences; `examples` are its cells
    in the example rows, which pass the rules.
    """

    field: str
    header: str
    russian: str
    english: str
    examples: tuple[TemplateValue, TemplateValue]
    format: TemplateFormat = TemplateFormat.TEXT


@dataclass(frozen=True, slots=True)
class Template:
    """The workbook that people fill in for a dataset; `columns` in its order."""

    sheet: str
    columns: tuple[TemplateColumn, ...]


@dataclass(frozen=True, slots=True)
class ValidatedBatch:
    """The first `row_count` rows of a chunk, validated and encoded for COPY.

    Fewer than all if the records of rejected rows are large; validate the others next.
    `copy_streams` has COPY text by staging table. Every line begins with the position of its row; positions
    ascend, so that a batch can be split at a position. `duplicates`: how many of the accepted rows have the
    key of an earlier row, in a batch of `check`; a merge counts its own.
    """

    row_count: int
    accepted: int
    rejected: int
    warnings: Mapping[str, int]
    copy_streams: Mapping[str, bytes]
    duplicates: int = 0


@dataclass(frozen=True, slots=True)
class RowError:
    """An error of a row as a whole, which no rule finds; `message` says what to do."""

    code: RejectCode
    message: str


def database_rejection(sqlstate: str) -> RowError:
    """The error of a row that passes all rules and that Postgres rejects."""
    return RowError(RejectCode.REFUSED_BY_DATABASE, f"PostgreSQL refused the row (SQLSTATE {sqlstate})")


class RowValidator(Protocol):
    """Validates the chunks of one load, in order, from the beginning of the source."""

    def replay(self, chunk: Chunk, row_errors: Mapping[int, RowError]) -> None:
        """Register rows that an earlier attempt of this load has stored, except those with an error."""
        ...

    def validate(self, chunk: Chunk, row_errors: Mapping[int, RowError]) -> ValidatedBatch:
        """Apply the rules to the first rows.

        `row_errors`: position → error; these rows are rejected, whatever the rules find.
        """
        ...

    def check(self, chunk: Chunk, row_errors: Mapping[int, RowError]) -> ValidatedBatch:
        """Apply the rules as `validate` does, and encode nothing but the rejected rows."""
        ...


@dataclass(frozen=True, slots=True)
class StagingTable:
    """A temp table that COPY fills; `columns` in the order of the COPY text."""

    name: str
    columns: tuple[str, ...]


REJECTED_ROWS = StagingTable(
    "stage_rejected_rows", ("position", "record_identifier", "errors", "record", "kinds", "record_cut")
)
"""Where every dataset copies its rejected rows; the store moves them to `migration_errors`."""

CORRECTED_ROWS = StagingTable(
    "stage_corrected_rows", ("position", "corrected_position", "action", "shown_row_number", "corrected_key")
)
"""Which rejected rows the rows of a correction are about; the store marks them."""


@dataclass(frozen=True, slots=True)
class MergePlan:
    """The SQL that merges a batch into the target tables; the store runs it.

    `create_temp_tables` runs once per connection; a rolled-back batch must leave no rows in them.
    `staging_tables` are filled in this order: first the dimensions (things that many rows refer to, such as
    universities), the rows last. `statements` run in order after the lease is checked.
    `counts_query` comes last and returns one row: inserted, updated, unchanged, duplicates (bigint, of the
    accepted rows) and warnings (jsonb, code → count).
    """

    create_temp_tables: str
    staging_tables: tuple[StagingTable, ...]
    statements: tuple[str, ...]
    counts_query: str

    @property
    def rows_table(self) -> StagingTable:
        """The staging table of the rows; all others hold dimensions."""
        return self.staging_tables[-1]


@dataclass(frozen=True, slots=True)
class StoredValueCheck:
    """Finds values that an earlier version stored and the rules would not produce now.

    `query` returns candidates (id bigint, value text); `is_still_valid` is whether the rules accept a value.
    `description` follows their number in a sentence; the dataset's page explains how to delete them.
    """

    description: str
    query: str
    is_still_valid: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset. `make_validator` and `make_merge_plan` take the source type.

    `make_validator` also takes the day the load started. `rules_version` changes whenever a cell
    may mean something else: a load is resumed only under the rules it started with. `template` is None if
    people fill in no workbook.
    """

    name: str
    rules_version: str
    column_spec: ColumnSpec
    make_validator: Callable[[str, date], RowValidator]
    make_merge_plan: Callable[[str], MergePlan]
    stored_value_checks: tuple[StoredValueCheck, ...] = ()
    template: Template | None = None
