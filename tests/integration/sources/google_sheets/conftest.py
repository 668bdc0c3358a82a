"""A fake Google Sheets server with one spreadsheet, and a source with short delays."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from consumer.cells.chunks import Cell, Chunk
from consumer.sources.base import SourceConfig, SourceInfo
from consumer.sources.google_sheets.retry import RetryPolicy
from consumer.sources.google_sheets.source import GoogleSheetsSource
from devstack.fake_sheets.server import CapturedRequest, FakeSheetsServer, FakeWorksheet
from tests.support.tiny_dataset import FIELDS

SPREADSHEET_ID = "1AbC_-9"
HEADER = ("ИНН", "Ссылка", "Название чата")
FAST_RETRY = RetryPolicy(
    call_timeout=20.0,
    connect_timeout=20.0,
    read_timeout=1.5,
    min_quota_wait=0.01,
    max_quota_wait=0.05,
    retry_delays=(0.01, 0.02),
)
"""Short timeouts, for servers that never answer."""
PATIENT_RETRY = replace(FAST_RETRY, read_timeout=20.0)
"""For tests without intended delays: with short timeouts a busy machine would cause retries."""
Row = Sequence[Cell]


def data_rows(count: int, start: int = 0) -> list[Row]:
    return [(7_700_000_000 + i, f"https://max.ru/{i}", f"Чат {i}") for i in range(start, start + count)]


@dataclass
class SheetsFixture:
    """A fake server with one spreadsheet; records details that the source reported and tokens it acquired."""

    google: FakeSheetsServer
    account: dict[str, Any]
    reading: SourceConfig
    reported_waits: list[str | None] = field(default_factory=list)
    acquired_tokens: list[None] = field(default_factory=list)

    @property
    def email(self) -> str:
        return str(self.account["client_email"])

    def set_worksheets(self, *worksheets: FakeWorksheet) -> None:
        self.google.add_spreadsheet(
            SPREADSHEET_ID, title="Боты", worksheets=worksheets, shared_with=[self.email]
        )

    def set_rows(self, rows: Sequence[Row], **grid: Any) -> None:
        self.set_worksheets(FakeWorksheet("Лист1", rows=rows, **grid))  # type: ignore[arg-type]

    def edit_rows(self, change: Callable[[list[Any]], Any]) -> None:
        self.google.edit_worksheet(SPREADSHEET_ID, "Лист1", change)

    def spec(self, **others: Any) -> dict[str, Any]:
        return {"type": "google_sheets", "spreadsheet_id": SPREADSHEET_ID, "credentials": "боты"} | others

    @contextmanager
    def open_source(
        self, reading: SourceConfig | None = None, retry_policy: RetryPolicy = PATIENT_RETRY, **spec: Any
    ) -> Iterator[tuple[GoogleSheetsSource, SourceInfo]]:
        shutil.rmtree(self.reading.temp_dir, ignore_errors=True)
        self.reading.temp_dir.mkdir()
        source = GoogleSheetsSource(self.spec(**spec), reading or self.reading, retry_policy)
        try:
            yield source, source.open()
        finally:
            source.close()

    def read_all(
        self, reading: SourceConfig | None = None, retry_policy: RetryPolicy = PATIENT_RETRY, **spec: Any
    ) -> list[Chunk]:
        with self.open_source(reading, retry_policy, **spec) as (source, _):
            return list(source.chunks())

    def requests(
        self, what: Callable[[CapturedRequest], bool] = lambda request: request.is_values_request
    ) -> list[CapturedRequest]:
        return [request for request in self.google.requests if what(request)]


@pytest.fixture
def sheets(tmp_path: Path) -> Iterator[SheetsFixture]:
    with FakeSheetsServer() as google:
        account = google.new_account("robot")
        secrets = {"account": account, "api_url": google.url}
        reading = SourceConfig(FIELDS, 10_000, tmp_path / "scratch", tmp_path, 1 << 30, secrets)
        found = SheetsFixture(google, account, reading)
        draw = lambda: found.acquired_tokens.append(None)  # noqa: E731
        found.reading = replace(reading, report_waiting=found.reported_waits.append, acquire_token=draw)
        yield found


def positions(chunks: Sequence[Chunk]) -> list[int]:
    return [position for chunk in chunks for position in chunk.positions]


def cells(chunks: Sequence[Chunk], field: str) -> list[Cell]:
    return [cell for chunk in chunks for cell in chunk.columns[field]]
