"""`python -m devstack.fake_sheets`: the stand-in for people, with a spreadsheet of the registering bot in it."""

import argparse
import json
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devstack.fake_sheets.server import FakeSheetsServer, FakeWorksheet
from devstack.fakedata.bot_sheet import make_bot_sheet
from devstack.signals import exit_on_sigterm

SPREADSHEET = "1StandInSpreadsheetOfTheRegisteringBot"
CREDENTIALS = "default"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C."""
    asked = _parser().parse_args(arguments)
    exit_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="stand-in-sheets-") as scratch:
        folder = Path(asked.folder or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        with FakeSheetsServer(asked.port) as google:
            _print_settings(google, folder, asked.rows, asked.seed)
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                print("\nstand-in: closed.", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack.fake_sheets", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where the account's key is put; else it goes away at the end")
    return parser


def _print_settings(google: FakeSheetsServer, folder: Path, rows: int, seed: int) -> None:
    made = make_bot_sheet(rows, seed)
    account = google.new_account("robot")
    key = write_key_file(folder / "google-account.json", account)
    shared = [account["client_email"]]
    google.add_spreadsheet(SPREADSHEET, "Чаты ботов", [FakeWorksheet("Лист1", made.rows)], shared_with=shared)
    counts = {name: getattr(made.expected, name) for name in ("total", "failed", "inserted", "duplicates")}
    print(f"MIGRATION_GOOGLE_API_URL={google.url}")
    print(f"MIGRATION_GOOGLE_CREDENTIALS={json.dumps({CREDENTIALS: str(key)})}")
    print(f"# migration start google-sheets {SPREADSHEET} --watch")
    print(f"# A first import of it must report {json.dumps(counts)}. Ctrl-C ends.", flush=True)


def write_key_file(path: Path, account: dict[str, Any]) -> Path:
    """Write an account's JSON where only its owner can read it."""
    path.unlink(missing_ok=True)
    path.touch(0o600)
    path.write_text(json.dumps(account, indent=2), encoding="utf-8")
    return path.resolve()


if __name__ == "__main__":
    main()
