"""The record of a rejected row as JSON of bounded size, with the kinds of its cells and what was cut.

Cells of columns that the dataset reads are whole up to a limit for each field. All others share OTHER_BYTES.
Nothing is written that is not kept: a row of 4,000 cells that share one long text is small in memory, and its
JSON would not be.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from consumer.datasets.plain_cells import kind_beyond_json, plain
from consumer.records import Cell

OTHER_BYTES = 65_536
"""UTF-8 of the JSON as it is stored: names, values and kinds of the columns that are not read."""
LEAST_BYTES = 64
"""With less left, no further cell is tried: the rest is counted."""
SMALL_CHARS, SMALL_CELLS = 2_500, 30
"""A record of no more is kept whole for certain. JSON makes at most 7 bytes of a character (an escape of six
for a NUL, and a backslash before it); a name has at most 110 characters, and comes twice where its cell has a
kind; 40 bytes hold any other value with its kind.
"""
MARK = "…"
"""Follows a text that was cut: one that was too long stays too long."""

written = json.JSONEncoder(ensure_ascii=False).encode
"""Values as JSON; `json.dumps` would make an encoder for every row."""


@dataclass(frozen=True, slots=True)
class WrittenRecord:
    """JSON texts; `kinds` and `cut` are None where they would be empty.

    `kinds`: column → `date`, `time`, `duration`, `error`, `formula` (no result) or `number` (as a text), of
    cells whose JSON value is of another type.
    `cut`: `{"cut": columns whose text goes on, "left_out": number of cells that are not in the record}`.
    """

    record: str
    kinds: str | None
    cut: str | None


class RecordWriter:
    """Writes records; `limits` has the characters that the cell of each field keeps."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = limits
        self._shortest = min(limits.values())

    def write(self, record: Mapping[str, Cell], fields: Mapping[str, str]) -> WrittenRecord:
        """The record, by what people call the columns; `fields` has those that are read, with their field."""
        if self._is_small(record):
            kinds = {name: kind for name, cell in record.items() if (kind := kind_beyond_json(cell))}
            whole = {plain(name): plain(cell) for name, cell in record.items()}
            return WrittenRecord(written(whole), _kinds(kinds), None)
        bounded = _Bounded()
        for name, cell in record.items():
            of = fields.get(name)
            if of is None:
                bounded.add_other(name, cell)
            else:
                bounded.add_read(name, cell, self._limits[of])
        return WrittenRecord(bounded.record(), _kinds(bounded.kinds), bounded.cut())

    def _is_small(self, record: Mapping[str, Cell]) -> bool:
        if len(record) > SMALL_CELLS:
            return False
        sizes = [len(cell) for cell in record.values() if isinstance(cell, str)]
        return max(sizes, default=0) <= self._shortest and sum(sizes) <= SMALL_CHARS


@dataclass(slots=True)
class _Bounded:
    """A record in the making: what is kept, and how many bytes are left for columns that are not read."""

    kinds: dict[str, str] = field(default_factory=dict)
    _cells: list[str] = field(default_factory=list)
    _cut: list[str] = field(default_factory=list)
    _left_out: int = 0
    _left: int = OTHER_BYTES

    def add_read(self, name: str, cell: Cell, most_chars: int) -> None:
        """Keep the cell of a column that is read; a text up to so many characters."""
        if isinstance(cell, str) and len(cell) > most_chars:
            cell = cell[:most_chars] + MARK
            self._cut.append(name)
        self._add(name, written(plain(cell)), kind_beyond_json(cell))

    def add_other(self, name: str, cell: Cell) -> None:
        """Keep another cell while there are bytes left; a text that does not fit gets half of them."""
        if self._left < LEAST_BYTES:
            self._left_out += 1
            return
        kind = kind_beyond_json(cell)
        own = _size(name) + (_size(name) + len(kind) if kind else 0)
        room = self._left - own
        if room < LEAST_BYTES:
            self._left, self._left_out = 0, self._left_out + 1
            return
        value = _fitting(cell, room)
        if value is None and isinstance(cell, str) and room // 2 >= LEAST_BYTES:
            value = _shortened(cell, room // 2)
            self._cut.append(name)
        if value is None:
            self._left_out += 1
            return
        self._left -= own + len(value.encode())
        self._add(name, value, kind)

    def _add(self, name: str, value: str, kind: str | None) -> None:
        self._cells.append(f"{written(plain(name))}: {value}")
        if kind is not None:
            self.kinds[name] = kind

    def record(self) -> str:
        """The cells as one JSON object."""
        return f"{{{', '.join(self._cells)}}}"

    def cut(self) -> str | None:
        """What is not in the record; None where all is."""
        if not self._cut and not self._left_out:
            return None
        return written({"cut": list(map(plain, self._cut)), "left_out": self._left_out})


def _size(name: str) -> int:
    """The bytes of a name as JSON, with what separates it from its value and from the next name."""
    return len(written(plain(name)).encode()) + len(': "", ')


def _fitting(cell: Cell, room: int) -> str | None:
    """The value as JSON if it takes no more bytes than that; a text of more characters is not written."""
    if isinstance(cell, str) and len(cell) > room:
        return None
    value = written(plain(cell))
    return value if len(value.encode()) <= room else None


def _shortened(text: str, room: int) -> str:
    """The beginning of a text as JSON, with the mark behind it, in no more bytes than that."""
    chars = room
    while True:
        value = written(plain(text[:chars] + MARK))
        size = len(value.encode())
        if size <= room:
            return value
        chars = chars * room // size - 1


def _kinds(kinds: Mapping[str, str]) -> str | None:
    return written({plain(name): kind for name, kind in kinds.items()}) if kinds else None
