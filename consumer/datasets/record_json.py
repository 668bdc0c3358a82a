"""Encodes the record of a rejected row as JSON of bounded size.

Cells of mapped columns are complete up to a limit per field; all other cells share MAX_UNMAPPED_BYTES.
What does not fit is never encoded: 4,000 cells that share one long text are small in memory, not as JSON.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from consumer.cells.chunks import Cell
from consumer.cells.texts import TRUNCATION_MARK
from consumer.datasets.cell_json import kind_lost_in_json, to_json_value

MAX_UNMAPPED_BYTES = 65_536
"""UTF-8 bytes of the stored JSON: labels, values and kinds of unmapped columns."""
MIN_CELL_BYTES = 64
"""With less space left, further cells are only counted."""
SMALL_RECORD_CHARS, SMALL_RECORD_CELLS = 2_500, 30
"""A record of this size always fits. A character takes at most 7 bytes of JSON (a NUL: an escape of six and a
backslash before it). A label has at most 110 characters and comes twice if its cell has a kind; any other
value takes at most 40 bytes with its kind.
"""

to_json = json.JSONEncoder(ensure_ascii=False).encode
"""Like `json.dumps`, which creates an encoder for every call."""


@dataclass(frozen=True, slots=True)
class EncodedRecord:
    """JSON texts; `kinds` and `cut` are None if they would be empty.

    `kinds`: column → `date`, `time`, `duration`, `error`, `formula` (without a result) or `number` (as text),
    for cells whose JSON value has another type.
    `cut`: `{"cut": columns whose text is cut, "left_out": number of cells that are not in the record}`.
    """

    record: str
    kinds: str | None
    cut: str | None


class RecordEncoder:
    """Encodes records; `max_chars` has the characters that are kept of a cell, by field."""

    def __init__(self, max_chars: Mapping[str, int]) -> None:
        self._max_chars = max_chars
        self._min_max_chars = min(max_chars.values())

    def encode(self, record: Mapping[str, Cell], field_by_label: Mapping[str, str]) -> EncodedRecord:
        """Encode a record, which is by column label; `field_by_label` has the mapped columns."""
        if self._is_small(record):
            kinds = {label: kind for label, cell in record.items() if (kind := kind_lost_in_json(cell))}
            complete = {to_json_value(label): to_json_value(cell) for label, cell in record.items()}
            return EncodedRecord(to_json(complete), _kinds_json(kinds), None)
        bounded = _BoundedRecord()
        for label, cell in record.items():
            field_name = field_by_label.get(label)
            if field_name is None:
                bounded.add_unmapped(label, cell)
            else:
                bounded.add_mapped(label, cell, self._max_chars[field_name])
        return EncodedRecord(bounded.record_json(), _kinds_json(bounded.kinds), bounded.cut_json())

    def _is_small(self, record: Mapping[str, Cell]) -> bool:
        if len(record) > SMALL_RECORD_CELLS:
            return False
        sizes = [len(cell) for cell in record.values() if isinstance(cell, str)]
        return max(sizes, default=0) <= self._min_max_chars and sum(sizes) <= SMALL_RECORD_CHARS


@dataclass(slots=True)
class _BoundedRecord:
    """Collects the cells that are kept, and how many bytes are left for unmapped columns."""

    kinds: dict[str, str] = field(default_factory=dict)
    _members: list[str] = field(default_factory=list)
    _cut_columns: list[str] = field(default_factory=list)
    _omitted_cells: int = 0
    _remaining_bytes: int = MAX_UNMAPPED_BYTES

    def add_mapped(self, label: str, cell: Cell, max_chars: int) -> None:
        """Keep the cell of a mapped column, a text up to `max_chars` characters."""
        if isinstance(cell, str) and len(cell) > max_chars:
            cell = cell[:max_chars] + TRUNCATION_MARK
            self._cut_columns.append(label)
        self._add(label, to_json(to_json_value(cell)), kind_lost_in_json(cell))

    def add_unmapped(self, label: str, cell: Cell) -> None:
        """Keep another cell while bytes are left; a text that does not fit gets half of them."""
        if self._remaining_bytes < MIN_CELL_BYTES:
            self._omitted_cells += 1
            return
        kind = kind_lost_in_json(cell)
        overhead = _encoded_label_bytes(label) + (_encoded_label_bytes(label) + len(kind) if kind else 0)
        value_bytes = self._remaining_bytes - overhead
        if value_bytes < MIN_CELL_BYTES:
            self._remaining_bytes, self._omitted_cells = 0, self._omitted_cells + 1
            return
        value = _encode_if_fits(cell, value_bytes)
        if value is None and isinstance(cell, str) and value_bytes // 2 >= MIN_CELL_BYTES:
            value = _encode_truncated(cell, value_bytes // 2)
            self._cut_columns.append(label)
        if value is None:
            self._omitted_cells += 1
            return
        self._remaining_bytes -= overhead + len(value.encode())
        self._add(label, value, kind)

    def _add(self, label: str, value: str, kind: str | None) -> None:
        self._members.append(f"{to_json(to_json_value(label))}: {value}")
        if kind is not None:
            self.kinds[label] = kind

    def record_json(self) -> str:
        """The cells as one JSON object."""
        return f"{{{', '.join(self._members)}}}"

    def cut_json(self) -> str | None:
        """What the record lacks; None if it is complete."""
        if not self._cut_columns and not self._omitted_cells:
            return None
        return to_json({"cut": list(map(to_json_value, self._cut_columns)), "left_out": self._omitted_cells})


def _encoded_label_bytes(label: str) -> int:
    """Bytes of a label as JSON, with the separators around its value."""
    return len(to_json(to_json_value(label)).encode()) + len(': "", ')


def _encode_if_fits(cell: Cell, max_bytes: int) -> str | None:
    """The value as JSON if it takes at most `max_bytes`, else None; a longer text is not encoded."""
    if isinstance(cell, str) and len(cell) > max_bytes:
        return None
    value = to_json(to_json_value(cell))
    return value if len(value.encode()) <= max_bytes else None


def _encode_truncated(text: str, max_bytes: int) -> str:
    """The beginning of a text with TRUNCATION_MARK, as JSON of at most `max_bytes`."""
    chars = max_bytes
    while True:
        value = to_json(to_json_value(text[:chars] + TRUNCATION_MARK))
        size = len(value.encode())
        if size <= max_bytes:
            return value
        chars = chars * max_bytes // size - 1


def _kinds_json(kinds: Mapping[str, str]) -> str | None:
    return to_json({to_json_value(label): kind for label, kind in kinds.items()}) if kinds else None
