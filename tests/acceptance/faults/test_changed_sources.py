"""I20: a source of any kind that changes during its job is detected and reported; the counts stay exact."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from devstack.fake_sheets.server import FakeSheetsServer, FakeWorksheet
from devstack.fake_sheets.spreadsheets import SheetValue
from devstack.fakedata.admin_panel import create_chats_table
from devstack.fakedata.bot_sheet import make_bot_sheet
from devstack.fakedata.chats import ChatGenerator
from devstack.fakedata.expected import ExpectedCounts
from tests.support.database_inspector import DatabaseInspector
from tests.support.faults.fault_harness import BATCH_ROWS, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.faults.source_edits import (
    LINK_COLUMN,
    clean_row_indexes,
    copy_with_changed_link,
    store_uncompressed,
)
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import load_into
from tests.support.wait import wait_until

SHEET_ID, SHEET = "1AbCdEfGhIjKlMnOpQrStUvWxYz", "Чаты"
SHEET_ROWS, SEED = 10_400, 32
"""More than one page of 10,000."""
GENERATOR = ChatGenerator(SHEET_ROWS, SEED, tag=f"b{SEED}", tax_office="50", invalid_share=0, with_kpp=True)
"""What makes the rows of the sheet."""
BOOK_ROWS = TABLE_ROWS = 5 * BATCH_ROWS

CHANGE_LINK = """
update chats set url = url || 'x' where id = (
  select min(id) from chats where id <= $1 and (source = 'admin_panel' or source is null)
    and url in (select url from chats group by url having count(*) = 1))
"""


@pytest.fixture
def fake_sheets() -> Iterator[FakeSheetsServer]:
    with FakeSheetsServer() as server:
        yield server


@pytest.fixture
def source_dsn(fault_harness: FaultHarness) -> Iterator[str]:
    """The address of somebody else's database."""
    name = f"{fault_harness.database_name}_old"
    yield fault_harness.stack.create_database(name)
    fault_harness.stack.drop_database(name)


def test_sources_changed_before_takeover_restart_with_exact_counts(
    fault_harness: FaultHarness, fake_sheets: FakeSheetsServer, source_dsn: str
) -> None:
    """As many rows as before in each, one of those that are stored is another; the sheet changes once more,
    between two pages of the successor."""
    harness, request_ids = fault_harness, dict[str, str]()
    book = GoldenWorkbook.make(harness.inbox / "chats.xlsx", BOOK_ROWS, seed=41, rejected_share=0)
    store_uncompressed(book.path)
    harness.phones |= book.phones
    rows = create_chats_table(source_dsn, TABLE_ROWS, seed=33, invalid_share=0)
    bots = make_bot_sheet(SHEET_ROWS, SEED, invalid_share=0)
    settings = shared_settings(harness, fake_sheets, source_dsn, FakeWorksheet(SHEET, rows=bots.rows))

    owner = harness.start_replica("batch.committed=hang@4+", **settings)
    request_ids["excel"] = harness.kafka.start_excel(book.path.name)
    request_ids["database"] = harness.kafka.start({"type": "database", "connection": "admin_panel"})
    request_ids["google_sheets"] = harness.kafka.start({"type": "google_sheets", "spreadsheet_id": SHEET_ID})
    for request_id in request_ids.values():
        wait_until(partial(has_stored_batch, harness, request_id), 60, "the job to be in its middle")
    owner.kill()
    checkpoints = {kind: harness.job(request_id)["checkpoint"] for kind, request_id in request_ids.items()}

    directory = Directory()
    load_into(directory, book.path, up_to=checkpoints["excel"])
    copy_with_changed_link(book.path, checkpoints["excel"]).rename(book.path)
    harness.expected_loads[request_ids["excel"]] = load_into(directory, book.path)
    harness.expected_loads[request_ids["excel"]].warnings["source_restarted"] = 1
    DatabaseInspector(source_dsn).fetch(CHANGE_LINK, checkpoints["database"])
    first, second = clean_row_indexes(bots.rows, GENERATOR)[:2]
    fake_sheets.edit_worksheet(
        SHEET_ID, SHEET, lambda sheet: sheet[first].__setitem__(LINK_COLUMN, f"{sheet[first][LINK_COLUMN]}x")
    )
    fake_sheets.on_values_request(
        2, lambda: fake_sheets.edit_worksheet(SHEET_ID, SHEET, lambda sheet: without_row(sheet, second))
    )

    successor = harness.start_replica(**settings)
    for request_id in request_ids.values():
        harness.wait_for_status(request_id, "completed", 120)
    assert_exact(harness.job(request_ids["database"]), rows, {"source_changed": 1, "source_restarted": 1})
    assert_exact(harness.job(request_ids["google_sheets"]), bots.expected, {"source_restarted": 2}, deleted=1)
    retried = [
        line for line in successor.log_events("attempt.finished") if line["error_code"] == "source_changed"
    ]
    assert [line["status"] for line in retried] == ["pending"], "rows that moved between two pages"
    stored = dict(harness.db.fetch("select source, count(*) from directory.chats group by source"))
    assert stored == {
        "academic_group": len(directory.chats),
        "admin_panel": rows.inserted + 1,
        "bot_registrar": bots.expected.inserted + 1,
    }
    assert_invariants(harness, check_target=False)


def shared_settings(
    harness: FaultHarness, google: FakeSheetsServer, table: str, sheet: FakeWorksheet
) -> dict[str, str]:
    """The settings of a replica for the sources."""
    account = google.new_account("robot")
    google.add_spreadsheet(SHEET_ID, "Боты", [sheet], shared_with=[account["client_email"]])
    key = harness.folder / "google.json"
    key.write_text(json.dumps(account))
    return {
        "MIGRATION_CONNECTIONS": json.dumps({"admin_panel": table}),
        "MIGRATION_GOOGLE_CREDENTIALS": json.dumps({"default": str(key)}),
        "MIGRATION_GOOGLE_API_URL": google.url,
        "MIGRATION_MAX_RUNNING_JOBS": "3",
    }


def has_stored_batch(harness: FaultHarness, request_id: str) -> bool:
    """Whether a batch is stored."""
    return bool(harness.job(request_id).get("checkpoint"))


def without_row(sheet: list[list[SheetValue]], index: int) -> list[list[SheetValue]]:
    """The rows below a row have moved up."""
    return [*sheet[:index], *sheet[index + 1 :]]


def assert_exact(
    job: dict[str, Any], expected: ExpectedCounts, warnings: dict[str, int], deleted: int = 0
) -> None:
    """Every row of the source as it is now is accounted for, `gone` of the first ones are not in it."""
    assert (job["total"], job["processed"]) == (expected.total - deleted, expected.processed - deleted)
    assert (job["failed"], job["duplicates"]) == (expected.failed, expected.duplicates)
    assert job["inserted"] + job["updated"] + job["unchanged"] == expected.inserted - deleted
    assert job["unchanged"] > 0, "what the reading before had stored"
    assert json.loads(job["warnings"]) == {**expected.warnings, **warnings}
