"""The two other sources of the demo: a second database, and a spreadsheet on the local Google Sheets."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from devstack.fake_sheets.server import FakeSheetsServer, FakeWorksheet
from devstack.fake_sheets.service_accounts import write_key_file
from devstack.fakedata.admin_panel import create_chats_table
from devstack.fakedata.bot_sheet import make_bot_sheet
from devstack.stack import Stack

CONNECTION = "admin_panel"
DATABASE = f"old_admin_panel_{os.getpid()}"
DATABASE_ROWS = 6_000
SPREADSHEET = "1DemoSpreadsheetOfTheRegisteringBot"
SHEET_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class DemoSource:
    """A source: its arguments for `migration start`, the tag of its chats, and what an import must report."""

    arguments: tuple[str, ...]
    source_tag: str
    expected: Mapping[str, Any]


@contextmanager
def other_sources(stack: Stack, folder: Path) -> Iterator[tuple[dict[str, str], list[DemoSource]]]:
    """Fill a second database and a spreadsheet; returns settings for the service, and both sources."""
    with FakeSheetsServer() as google:
        database = create_chats_table(stack.create_database(DATABASE), DATABASE_ROWS, seed=2)
        sheet = make_bot_sheet(SHEET_ROWS, seed=3)
        account = google.new_account("demo")
        key = write_key_file(folder / "google.json", account)
        shared = [account["client_email"]]
        google.add_spreadsheet(
            SPREADSHEET, "Чаты ботов", [FakeWorksheet("Лист1", rows=sheet.rows)], shared_with=shared
        )
        settings = {
            "MIGRATION_CONNECTIONS": json.dumps({CONNECTION: stack.database_url_for(DATABASE)}),
            "MIGRATION_GOOGLE_CREDENTIALS": json.dumps({"default": str(key)}),
            "MIGRATION_GOOGLE_API_URL": google.url,
        }
        try:
            yield (
                settings,
                [
                    DemoSource(("database", CONNECTION), "admin_panel", asdict(database)),
                    DemoSource(("google-sheets", SPREADSHEET), "bot_registrar", asdict(sheet.expected)),
                ],
            )
        finally:
            stack.drop_database(DATABASE)
