"""All columns of a source in its order, for whoever makes a file like it: once a load, in bounded size."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from consumer.cells.texts import escape_unstorable

MAX_JSON_BYTES = 1 << 20
"""UTF-8 of the list as JSON: 16,384 columns of a sheet with headers of ordinary length take half of it."""

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """One column; its position is its place in the list.

    `name` is what records call it, and no other column; `header` what the source calls it, None where it has
    none; `field` what the dataset reads it as, None where it does not.
    """

    name: str
    header: str | None
    field: str | None

    def to_json(self) -> JsonObject:
        """As JSON, without what goes without saying: a header like the name, no field."""
        column: JsonObject = {"name": escape_unstorable(self.name)}
        if self.header != self.name:
            column["header"] = None if self.header is None else escape_unstorable(self.header)
        if self.field is not None:
            column["field"] = self.field
        return column


def columns_to_json(columns: Iterable[SourceColumn]) -> JsonObject:
    """`columns` up to MAX_JSON_BYTES; `left_out` is how many more there are behind them."""
    kept: list[JsonObject] = []
    left, left_out = MAX_JSON_BYTES, 0
    for column in columns:
        one = column.to_json()
        left -= len(json.dumps(one, ensure_ascii=False).encode()) + len(", ")
        if left < 0:
            left_out += 1
        else:
            kept.append(one)
    return {"columns": kept, "left_out": left_out}
