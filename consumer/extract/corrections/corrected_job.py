"""The job whose rejected rows a file corrects, as the child gets it from the service."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from consumer.rejected_file.row_key import RowKey, record_digest


class RowState(StrEnum):
    """What became of a rejected row since."""

    OPEN = "open"
    CORRECTED_HERE = "corrected_here"
    """By the correction that is being read, in an earlier attempt."""
    CORRECTED = "corrected"
    """By another correction."""
    DISMISSED = "dismissed"


@dataclass(frozen=True)
class RejectedRow:
    """A rejected row. `record` is its stored JSON text, None if it is too large to be compared.

    `position` identifies it among the rejected rows of its job; `shown_row_number` is that of the source.
    """

    position: int
    shown_row_number: int
    record: str | None
    cut_columns: frozenset[str]
    state: RowState

    @classmethod
    def from_json(cls, line: bytes) -> Self:
        """A row as `consumer.store.corrected_rows` writes it."""
        position, shown, record, cut, state = json.loads(line)
        return cls(position, shown, record, frozenset(cut or ()), RowState(state))

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """Column → JSON value; empty if the record is not known."""
        values: dict[str, Any] = {} if self.record is None else json.loads(self.record)
        return values

    @property
    def digest(self) -> str:
        """The digest of the record, as in the row's key; empty if the record is not known."""
        return record_digest(self.record) if self.record is not None else ""


@dataclass(frozen=True, slots=True)
class CorrectedJob:
    """`run` and `load` are those of the rows; `columns` maps fields of the dataset to columns of the records.

    `labels` are the names of all columns of its source.
    """

    job_id: int
    run: int
    load: int
    source_type: str
    labels: tuple[str, ...]
    columns: Mapping[str, str]
    rows: Mapping[int, RejectedRow] = field(default_factory=dict, repr=False)

    @classmethod
    def from_json(cls, header: Mapping[str, Any], lines: Iterable[bytes]) -> Self:
        """The job described in the START frame, with the rows of the frames after it."""
        source_columns = header["columns"]
        rows = {row.position: row for row in map(RejectedRow.from_json, lines)}
        return cls(
            job_id=header["job_id"],
            run=header["run"],
            load=header["load"],
            source_type=header["source_type"],
            labels=tuple(column["name"] for column in source_columns),
            columns={column["field"]: column["name"] for column in source_columns if "field" in column},
            rows=rows,
        )

    def key_of(self, row: RejectedRow) -> RowKey:
        """The key of one of its rows."""
        return RowKey(self.job_id, self.run, self.load, row.position, row.digest)
