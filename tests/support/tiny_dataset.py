"""A dataset with one rule, to test the code around datasets: a row without a link is rejected."""

import json
from collections.abc import Mapping
from dataclasses import replace

from consumer.cells.chunks import Cell, Chunk, ErrorCell, FormulaWithoutValue
from consumer.datasets.base import (
    ColumnSpec,
    Dataset,
    MergePlan,
    PositionalLayout,
    RowError,
    SourceTable,
    ValidatedBatch,
)

FIELDS = ColumnSpec(
    {"inn": ("ИНН",), "url": ("Ссылка на чат", "Ссылка"), "name": ("Название чата",)},
    ("inn", "url"),
    SourceTable("chats", "id", {"inn": "inn", "url": "url", "name": "name"}, ("source", "tiny"), ("url",)),
    PositionalLayout(
        ("inn", "url"), {"inn": lambda cell: cell is not None, "url": lambda cell: "//" in str(cell)}
    ),
)


RULES_VERSION = "tiny-1"


class TinyValidator:
    """Encodes the position and link of each row, and how many rows it has seen so far."""

    def __init__(self) -> None:
        self.rows_seen = 0

    def replay(self, chunk: Chunk, row_errors: Mapping[int, RowError]) -> None:
        """Count the rows."""
        self.rows_seen += len(chunk.positions)

    def validate(self, chunk: Chunk, row_errors: Mapping[int, RowError]) -> ValidatedBatch:
        """Accept rows with a link that the database has not rejected."""
        accepted, rejected = b"", b""
        for i, (position, url) in enumerate(zip(chunk.positions, chunk.columns["url"], strict=True)):
            self.rows_seen += 1
            if url in {None, ""} or position in row_errors:
                record = {label: _to_json(cell) for label, cell in chunk.record(i).items()}
                rejected += f"{position}\t{json.dumps(record, ensure_ascii=False)}\n".encode()
            else:
                accepted += f"{position}\t{url}\t{self.rows_seen}\n".encode()
        rejected_rows = rejected.count(b"\n")
        copy_streams = {"stage": accepted, "stage_rejected_rows": rejected}
        rows = len(chunk.positions)
        warnings = {"odd": rejected_rows} if rejected_rows else {}
        return ValidatedBatch(rows, rows - rejected_rows, rejected_rows, warnings, copy_streams)

    def check(self, chunk: Chunk, row_errors: Mapping[int, RowError]) -> ValidatedBatch:
        """Accept the same rows, and encode the rejected ones alone."""
        batch = self.validate(chunk, row_errors)
        return replace(batch, copy_streams={**batch.copy_streams, "stage": b""})


def _to_json(cell: Cell) -> object:
    if isinstance(cell, ErrorCell | FormulaWithoutValue):
        return None
    return cell if isinstance(cell, str | float | int | bool | None) else str(cell)


def make_tiny_dataset(name: str) -> Dataset:
    """The dataset, under any name."""
    return Dataset(
        name, RULES_VERSION, FIELDS, lambda *_: TinyValidator(), lambda _: MergePlan("", (), (), "")
    )
