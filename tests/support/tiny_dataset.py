"""A dataset with hardly a rule, to test what surrounds datasets: a row without a link is rejected."""

import json
from collections.abc import Mapping

from consumer.datasets.base import Bare, Checked, Dataset, Fields, Merge, Relation
from consumer.records import Cell, Chunk, ErrorCell, FormulaWithoutValue

FIELDS = Fields(
    {"inn": ("ИНН",), "url": ("Ссылка на чат", "Ссылка"), "name": ("Название чата",)},
    ("inn", "url"),
    Relation("chats", "id", {"inn": "inn", "url": "url", "name": "name"}, ("source", "tiny"), ("url",)),
    Bare(("inn", "url"), {"inn": lambda cell: cell is not None, "url": lambda cell: "//" in str(cell)}),
)


RULES_VERSION = "tiny-1"


class TinyChecker:
    """Says of each row its position, link, and how many rows were skipped or checked before it."""

    def __init__(self) -> None:
        self.seen = 0

    def skip(self, chunk: Chunk, refused: Mapping[int, str]) -> None:
        """Count what is stored already."""
        self.seen += len(chunk.positions)

    def check(self, chunk: Chunk, refused: Mapping[int, str]) -> Checked:
        """Accept rows with a link that were not refused."""
        accepted, rejected = b"", b""
        for i, (position, url) in enumerate(zip(chunk.positions, chunk.columns["url"], strict=True)):
            self.seen += 1
            if url in {None, ""} or position in refused:
                record = {label: _plain(cell) for label, cell in chunk.record(i).items()}
                rejected += f"{position}\t{json.dumps(record, ensure_ascii=False)}\n".encode()
            else:
                accepted += f"{position}\t{url}\t{self.seen}\n".encode()
        bad = rejected.count(b"\n")
        sections = {"stage": accepted, "stage_rejects": rejected}
        rows = len(chunk.positions)
        return Checked(rows, rows - bad, bad, {"odd": bad} if bad else {}, sections)


def _plain(cell: Cell) -> object:
    if isinstance(cell, ErrorCell | FormulaWithoutValue):
        return None
    return cell if isinstance(cell, str | float | int | bool | None) else str(cell)


def tiny(name: str) -> Dataset:
    """The dataset, whatever name is asked for."""
    return Dataset(name, RULES_VERSION, FIELDS, lambda *_: TinyChecker(), lambda _: Merge("", (), (), ""))
