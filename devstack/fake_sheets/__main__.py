"""`python -m devstack.fake_sheets`: the stand-in on the command line, with a generated sheet of the bot."""

import argparse
import json
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from devstack.fake_sheets.server import FakeSheetsServer, FakeWorksheet
from devstack.fake_sheets.service_accounts import write_key_file
from devstack.fakedata.bot_sheet import make_bot_sheet
from devstack.signals import exit_on_sigterm

SPREADSHEET = "1StandInSpreadsheetOfTheRegisteringBot"
CREDENTIALS = "default"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C."""
    options = _parser().parse_args(arguments)
    exit_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="stand-in-sheets-") as scratch:
        folder = Path(options.folder or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        with FakeSheetsServer(options.port) as server:
            _print_settings(server, folder, options.rows, options.seed)
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                print("\nstand-in: closed.", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack.fake_sheets", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where the account's key is written; by default a temporary folder")
    return parser


def _print_settings(server: FakeSheetsServer, folder: Path, rows: int, seed: int) -> None:
    sheet = make_bot_sheet(rows, seed)
    account = server.new_account("robot")
    key = write_key_file(folder / "google-account.json", account)
    shared = [account["client_email"]]
    server.add_spreadsheet(
        SPREADSHEET, "Чаты ботов", [FakeWorksheet("Лист1", sheet.rows)], shared_with=shared
    )
    counts = {name: getattr(sheet.expected, name) for name in ("total", "failed", "inserted", "duplicates")}
    print(f"MIGRATION_GOOGLE_API_URL={server.url}")
    print(f"MIGRATION_GOOGLE_CREDENTIALS={json.dumps({CREDENTIALS: str(key)})}")
    print(f"# migration start google-sheets {SPREADSHEET} --watch")
    print(f"# A first import of it must report {json.dumps(counts)}. Ctrl-C stops the server.", flush=True)


if __name__ == "__main__":
    main()
