"""A workbook, a database and a Google spreadsheet for one service, and what an import of each must give."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from devstack.fake_sheets.server import FakeSheetsServer, FakeWorksheet
from devstack.fakedata.admin_panel import create_chats_table
from devstack.fakedata.bot_sheet import make_bot_sheet
from devstack.fakedata.chats import GeneratedChat
from devstack.fakedata.workbook import make_workbook
from schemas.status import Status, StatusEvent
from tests.support.database_inspector import DatabaseInspector
from tests.support.harness import Harness

SHEET_ID = "1AbCdEfGhIjKlMnOpQrStUvWxYz"
ADD_CHATS = """
insert into chats (id, inn, name, url, admin_phone)
select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
"""


@dataclass(frozen=True)
class ThreeSources:
    """Three sources: the settings of a replica, a request for each, and what each import must give."""

    settings: dict[str, str]
    specs: dict[str, dict[str, Any]]
    expected: dict[str, Any]

    def start(self, harness: Harness) -> dict[str, str]:
        """Request all three; request ids by kind."""
        return {kind: harness.kafka.start(spec) for kind, spec in self.specs.items()}


@contextmanager
def make_sources(
    harness: Harness, google: FakeSheetsServer, rows: int, same: Sequence[GeneratedChat] = ()
) -> Iterator[ThreeSources]:
    """A workbook in the inbox, a table in another database, a spreadsheet; the last two have `same` chats."""
    name = f"{harness.database_name}_old"
    dsn = harness.stack.create_database(name)
    account = google.new_account("robot")
    key = harness.folder / "google.json"
    key.write_text(json.dumps(account))
    sheet = make_bot_sheet(rows, seed=32)
    table = create_chats_table(dsn, rows, seed=33)
    sheet.rows.extend([chat.inn, chat.kpp, chat.url, chat.phone, chat.name] for chat in same)
    columns = [[getattr(chat, name) for chat in same] for name in ("inn", "name", "url", "phone")]
    DatabaseInspector(dsn).fetch(ADD_CHATS, list(range(len(same))), *columns)
    google.add_spreadsheet(
        SHEET_ID, "Боты", [FakeWorksheet("Чаты", rows=sheet.rows)], shared_with=[account["client_email"]]
    )
    try:
        yield ThreeSources(
            {
                "MIGRATION_CONNECTIONS": json.dumps({"admin_panel": dsn}),
                "MIGRATION_GOOGLE_CREDENTIALS": json.dumps({"default": str(key)}),
                "MIGRATION_GOOGLE_API_URL": google.url,
            },
            {
                "excel": {"type": "excel", "file": {"path": "three.xlsx"}},
                "database": {"type": "database", "connection": "admin_panel"},
                "google_sheets": {"type": "google_sheets", "spreadsheet_id": SHEET_ID},
            },
            {
                "excel": make_workbook(harness.inbox / "three.xlsx", rows=rows * 2 or 1, seed=31),
                "database": table,
                "google_sheets": sheet.expected,
            },
        )
    finally:
        harness.stack.drop_database(name)


def assert_exact(event: StatusEvent, expected: Any) -> None:
    """Every count is what the maker of the source says."""
    assert event.status is Status.COMPLETED, event.error
    assert (event.total, event.processed, event.failed) == (
        expected.total,
        expected.processed,
        expected.failed,
    )
    assert (event.inserted, event.updated, event.unchanged) == (expected.inserted, 0, 0)
    assert event.duplicates == expected.duplicates
    assert event.warnings == dict(expected.warnings)
