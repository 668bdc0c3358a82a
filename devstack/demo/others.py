"""The two other sources of the demo: a second database, and a spreadsheet on a stand-in for Google."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from devstack.admin_panel import make_table
from devstack.sheets.rows import bot_rows
from devstack.sheets.server import SheetsServer, Worksheet
from devstack.stack import Stack

CONNECTION = "admin_panel"
DATABASE = f"old_admin_panel_{os.getpid()}"
DATABASE_ROWS = 6_000
SPREADSHEET = "1DemoSpreadsheetOfTheRegisteringBot"
SHEET_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Other:
    """A source, as the command line names it, the tag of its chats, and what an import must report."""

    arguments: tuple[str, ...]
    tag: str
    expected: Mapping[str, Any]


@contextmanager
def others(stack: Stack, folder: Path) -> Iterator[tuple[dict[str, str], list[Other]]]:
    """Fill a second database and a spreadsheet; what the service is told of them, and the two."""
    with SheetsServer() as google:
        database = make_table(stack.create_database(DATABASE), DATABASE_ROWS, seed=2)
        sheet = bot_rows(SHEET_ROWS, seed=3)
        account = google.new_account("demo")
        key = folder / "google.json"
        key.touch(0o600)
        key.write_text(json.dumps(account))
        shared = [account["client_email"]]
        google.add(SPREADSHEET, "Чаты ботов", [Worksheet("Лист1", rows=sheet.rows)], shared_with=shared)
        told = {
            "MIGRATION_CONNECTIONS": json.dumps({CONNECTION: stack.database_address(DATABASE)}),
            "MIGRATION_GOOGLE_CREDENTIALS": json.dumps({"default": str(key)}),
            "MIGRATION_GOOGLE_API_URL": google.url,
        }
        try:
            yield (
                told,
                [
                    Other(("database", CONNECTION), "admin_panel", asdict(database)),
                    Other(("google-sheets", SPREADSHEET), "bot_registrar", asdict(sheet.expected)),
                ],
            )
        finally:
            stack.drop_database(DATABASE)
