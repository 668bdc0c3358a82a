"""All columns of a source as JSON of bounded size, stored once per load for exports of rejected rows."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from consumer.cells.texts import escape_unstorable

MAX_JSON_BYTES = 1 << 20
"""UTF-8 bytes of the list as JSON; 16,384 columns with headers of common length take half of it."""

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """One column; its position is its index in the list.

    `name` is its unique key in records; `header` its name in the source, None if it has none; `field` the
    field of the dataset, None if it is not read.
    """

    name: str
    header: str | None
    field: str | None

    def to_json(self) -> JsonObject:
        """As JSON; a header equal to the name, and a missing field, are left out."""
        column: JsonObject = {"name": escape_unstorable(self.name)}
        if self.header != self.name:
            column["header"] = None if self.header is None else escape_unstorable(self.header)
        if self.field is not None:
            column["field"] = self.field
        return column


def columns_to_json(columns: Iterable[SourceColumn]) -> JsonObject:
    """`columns` up to MAX_JSON_BYTES; `left_out` is the number of columns after them."""
    included: list[JsonObject] = []
    budget, left_out = MAX_JSON_BYTES, 0
    for column in columns:
        item = column.to_json()
        budget -= len(json.dumps(item, ensure_ascii=False).encode()) + len(", ")
        if budget < 0:
            left_out += 1
        else:
            included.append(item)
    return {"columns": included, "left_out": left_out}
