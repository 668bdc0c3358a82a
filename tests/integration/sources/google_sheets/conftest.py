"""A stand-in for Google over real HTTP, a spreadsheet in it, and a source as patient as a test wants."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from consumer.records import Cell, Chunk
from consumer.sources.base import Opened, Reading
from consumer.sources.google_sheets.patience import Patience
from consumer.sources.google_sheets.source import GoogleSheetsSource
from devstack.sheets.server import Asked, SheetsServer, Worksheet
from tests.support.tiny_dataset import FIELDS

ID = "1AbC_-9"
HEADER = ("ИНН", "Ссылка", "Название чата")
QUICK = Patience(call=20.0, connect=20.0, silence=1.5, shortest=0.01, longest=0.05, pauses=(0.01, 0.02))
"""Soon tired of a server that says nothing."""
CALM = replace(QUICK, silence=20.0)
"""Where nothing is late by intention: a call that a busy machine delays would be made twice."""
Row = Sequence[Cell]


def data_rows(count: int, start: int = 0) -> list[Row]:
    return [(7_700_000_000 + i, f"https://max.ru/{i}", f"Чат {i}") for i in range(start, start + count)]


@dataclass
class Sheets:
    """The stand-in with one spreadsheet, and what the source told and drew on its way."""

    google: SheetsServer
    account: dict[str, Any]
    reading: Reading
    told: list[str | None] = field(default_factory=list)
    drawn: list[None] = field(default_factory=list)

    @property
    def email(self) -> str:
        return str(self.account["client_email"])

    def put(self, *worksheets: Worksheet) -> None:
        self.google.add(ID, title="Боты", worksheets=worksheets, shared_with=[self.email])

    def put_rows(self, rows: Sequence[Row], **grid: Any) -> None:
        self.put(Worksheet("Лист1", rows=rows, **grid))  # type: ignore[arg-type]

    def edit(self, change: Callable[[list[Any]], Any]) -> None:
        self.google.change(ID, "Лист1", change)

    def spec(self, **others: Any) -> dict[str, Any]:
        return {"type": "google_sheets", "spreadsheet_id": ID, "credentials": "боты"} | others

    @contextmanager
    def opened(
        self, reading: Reading | None = None, patience: Patience = CALM, **spec: Any
    ) -> Iterator[tuple[GoogleSheetsSource, Opened]]:
        shutil.rmtree(self.reading.scratch, ignore_errors=True)
        self.reading.scratch.mkdir()
        source = GoogleSheetsSource(self.spec(**spec), reading or self.reading, patience)
        try:
            yield source, source.open()
        finally:
            source.close()

    def whole(self, reading: Reading | None = None, patience: Patience = CALM, **spec: Any) -> list[Chunk]:
        with self.opened(reading, patience, **spec) as (source, _):
            return list(source.chunks())

    def asked(self, what: Callable[[Asked], bool] = lambda asked: asked.for_values) -> list[Asked]:
        return [asked for asked in self.google.requests if what(asked)]


@pytest.fixture
def sheets(tmp_path: Path) -> Iterator[Sheets]:
    with SheetsServer() as google:
        account = google.new_account("robot")
        secrets = {"account": account, "api_url": google.url}
        reading = Reading(FIELDS, 10_000, tmp_path / "scratch", tmp_path, 1 << 30, secrets)
        found = Sheets(google, account, reading)
        draw = lambda: found.drawn.append(None)  # noqa: E731
        found.reading = replace(reading, wait=found.told.append, draw=draw)
        yield found


def positions(chunks: Sequence[Chunk]) -> list[int]:
    return [position for chunk in chunks for position in chunk.positions]


def cells(chunks: Sequence[Chunk], field: str) -> list[Cell]:
    return [cell for chunk in chunks for cell in chunk.columns[field]]
