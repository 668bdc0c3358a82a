"""The record of a rejected row as JSON of bounded size, with the kinds of its cells and what was cut.

Cells of columns that the dataset reads are whole up to a limit for each field. All others share MAX_UNREAD_BYTES.
Nothing is written that is not kept: a row of 4,000 cells that share one long text is small in memory, and its
JSON would not be.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from consumer.cells.chunks import Cell
from consumer.datasets.cell_json import kind_lost_in_json, to_json_value

MAX_UNREAD_BYTES = 65_536
"""UTF-8 of the JSON as it is stored: names, values and kinds of the columns that are not read."""
MIN_CELL_BYTES = 64
"""With less left, no further cell is tried: the rest is counted."""
SMALL_RECORD_CHARS, SMALL_RECORD_CELLS = 2_500, 30
"""A record of no more is kept whole for certain. JSON makes at most 7 bytes of a character (an escape of six
for a NUL, and a backslash before it); a name has at most 110 characters, and comes twice where its cell has a
kind; 40 bytes hold any other value with its kind.
"""
TRUNCATION_MARK = "…"
"""Follows a text that was cut: one that was too long stays too long."""

to_json = json.JSONEncoder(ensure_ascii=False).encode
"""Values as JSON; `json.dumps` would make an encoder for every row."""


@dataclass(frozen=True, slots=True)
class EncodedRecord:
    """JSON texts; `kinds` and `cut` are None where they would be empty.

    `kinds`: column → `date`, `time`, `duration`, `error`, `formula` (no result) or `number` (as a text), of
    cells whose JSON value is of another type.
    `cut`: `{"cut": columns whose text goes on, "left_out": number of cells that are not in the record}`.
    """

    record: str
    kinds: str | None
    cut: str | None


class RecordEncoder:
    """Writes records; `limits` has the characters that the cell of each field keeps."""

    def __init__(self, max_chars: Mapping[str, int]) -> None:
        self._max_chars = max_chars
        self._min_max_chars = min(max_chars.values())

    def encode(self, record: Mapping[str, Cell], field_by_label: Mapping[str, str]) -> EncodedRecord:
        """The record, by what people call the columns; `field_by_label` has those that are read, with their field."""
        if self._is_small(record):
            kinds = {name: kind for name, cell in record.items() if (kind := kind_lost_in_json(cell))}
            whole = {to_json_value(name): to_json_value(cell) for name, cell in record.items()}
            return EncodedRecord(to_json(whole), _kinds_json(kinds), None)
        bounded = _BoundedRecord()
        for name, cell in record.items():
            of = field_by_label.get(name)
            if of is None:
                bounded.add_unread(name, cell)
            else:
                bounded.add_read(name, cell, self._max_chars[of])
        return EncodedRecord(bounded.record_json(), _kinds_json(bounded.kinds), bounded.cut_json())

    def _is_small(self, record: Mapping[str, Cell]) -> bool:
        if len(record) > SMALL_RECORD_CELLS:
            return False
        sizes = [len(cell) for cell in record.values() if isinstance(cell, str)]
        return max(sizes, default=0) <= self._min_max_chars and sum(sizes) <= SMALL_RECORD_CHARS


@dataclass(slots=True)
class _BoundedRecord:
    """A record in the making: what is kept, and how many bytes are left for columns that are not read."""

    kinds: dict[str, str] = field(default_factory=dict)
    _members: list[str] = field(default_factory=list)
    _cut_columns: list[str] = field(default_factory=list)
    _omitted_cells: int = 0
    _remaining_bytes: int = MAX_UNREAD_BYTES

    def add_read(self, name: str, cell: Cell, max_chars: int) -> None:
        """Keep the cell of a column that is read; a text up to so many characters."""
        if isinstance(cell, str) and len(cell) > max_chars:
            cell = cell[:max_chars] + TRUNCATION_MARK
            self._cut_columns.append(name)
        self._add(name, to_json(to_json_value(cell)), kind_lost_in_json(cell))

    def add_unread(self, name: str, cell: Cell) -> None:
        """Keep another cell while there are bytes left; a text that does not fit gets half of them."""
        if self._remaining_bytes < MIN_CELL_BYTES:
            self._omitted_cells += 1
            return
        kind = kind_lost_in_json(cell)
        own = _encoded_name_bytes(name) + (_encoded_name_bytes(name) + len(kind) if kind else 0)
        room = self._remaining_bytes - own
        if room < MIN_CELL_BYTES:
            self._remaining_bytes, self._omitted_cells = 0, self._omitted_cells + 1
            return
        value = _encode_if_fits(cell, room)
        if value is None and isinstance(cell, str) and room // 2 >= MIN_CELL_BYTES:
            value = _encode_truncated(cell, room // 2)
            self._cut_columns.append(name)
        if value is None:
            self._omitted_cells += 1
            return
        self._remaining_bytes -= own + len(value.encode())
        self._add(name, value, kind)

    def _add(self, name: str, value: str, kind: str | None) -> None:
        self._members.append(f"{to_json(to_json_value(name))}: {value}")
        if kind is not None:
            self.kinds[name] = kind

    def record_json(self) -> str:
        """The cells as one JSON object."""
        return f"{{{', '.join(self._members)}}}"

    def cut_json(self) -> str | None:
        """What is not in the record; None where all is."""
        if not self._cut_columns and not self._omitted_cells:
            return None
        return to_json({"cut": list(map(to_json_value, self._cut_columns)), "left_out": self._omitted_cells})


def _encoded_name_bytes(name: str) -> int:
    """The bytes of a name as JSON, with what separates it from its value and from the next name."""
    return len(to_json(to_json_value(name)).encode()) + len(': "", ')


def _encode_if_fits(cell: Cell, max_bytes: int) -> str | None:
    """The value as JSON if it takes no more bytes than that; a text of more characters is not written."""
    if isinstance(cell, str) and len(cell) > max_bytes:
        return None
    value = to_json(to_json_value(cell))
    return value if len(value.encode()) <= max_bytes else None


def _encode_truncated(text: str, max_bytes: int) -> str:
    """The beginning of a text as JSON, with the mark behind it, in no more bytes than that."""
    chars = max_bytes
    while True:
        value = to_json(to_json_value(text[:chars] + TRUNCATION_MARK))
        size = len(value.encode())
        if size <= max_bytes:
            return value
        chars = chars * max_bytes // size - 1


def _kinds_json(kinds: Mapping[str, str]) -> str | None:
    return to_json({to_json_value(name): kind for name, kind in kinds.items()}) if kinds else None
