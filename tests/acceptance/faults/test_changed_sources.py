"""I20: a source that changes under its job is seen, whatever it is, and told; the counts are exact after."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from devstack.admin_panel import make_table
from devstack.chats import Expected, Maker
from devstack.sheets.book import Cell
from devstack.sheets.rows import bot_rows
from devstack.sheets.server import SheetsServer, Worksheet
from tests.acceptance.faults.conftest import BATCH_ROWS, FaultWorld
from tests.support.faults.books import Book
from tests.support.faults.changing import LINK, plain_rows, unpacked, with_another_link
from tests.support.faults.oracle import judge
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import load
from tests.support.rows import Rows
from tests.support.wait import until

SHEET_ID, SHEET = "1AbCdEfGhIjKlMnOpQrStUvWxYz", "Чаты"
SHEET_ROWS, SEED = 10_400, 32
"""More than one page of 10,000."""
MAKER = Maker(SHEET_ROWS, SEED, tag=f"b{SEED}", office="50", wrong=0, kpp=True)
"""What makes the rows of the sheet."""
BOOK_ROWS = TABLE_ROWS = 5 * BATCH_ROWS

ANOTHER_LINK = """
update chats set url = url || 'x' where id = (
  select min(id) from chats where id <= $1 and (source = 'admin_panel' or source is null)
    and url in (select url from chats group by url having count(*) = 1))
"""


@pytest.fixture
def google() -> Iterator[SheetsServer]:
    with SheetsServer() as server:
        yield server


@pytest.fixture
def table(fault_world: FaultWorld) -> Iterator[str]:
    """The address of somebody else's database."""
    name = f"{fault_world.database}_old"
    yield fault_world.stack.create_database(name)
    fault_world.stack.drop_database(name)


def test_sources_changed_between_a_crash_and_the_take_over_are_read_anew_with_exact_counts(
    fault_world: FaultWorld, google: SheetsServer, table: str
) -> None:
    """As many rows as before in each, one of those that are stored is another; the sheet changes once more,
    between two pages of the successor."""
    world, asked = fault_world, dict[str, str]()
    book = Book.make(world.inbox / "chats.xlsx", BOOK_ROWS, seed=41, wrong=0)
    unpacked(book.path)
    world.phones |= book.phones
    rows = make_table(table, TABLE_ROWS, seed=33, wrong=0)
    bots = bot_rows(SHEET_ROWS, SEED, wrong=0)
    told = shared(world, google, table, Worksheet(SHEET, rows=bots.rows))

    owner = world.replica("batch.committed=hang@4+", **told)
    asked["excel"] = world.line.start_excel(book.path.name)
    asked["database"] = world.line.start({"type": "database", "connection": "admin_panel"})
    asked["google_sheets"] = world.line.start({"type": "google_sheets", "spreadsheet_id": SHEET_ID})
    for request_id in asked.values():
        until(partial(has_moved, world, request_id), 60, "the job to be in its middle")
    owner.kill()
    checkpoints = {kind: world.job(request_id)["checkpoint"] for kind, request_id in asked.items()}

    directory = Directory()
    load(directory, book.path, last=checkpoints["excel"])
    with_another_link(book.path, checkpoints["excel"]).rename(book.path)
    world.expected[asked["excel"]] = load(directory, book.path)
    world.expected[asked["excel"]].warnings["source_restarted"] = 1
    Rows(table).ask(ANOTHER_LINK, checkpoints["database"])
    first, second = plain_rows(bots.rows, MAKER)[:2]
    google.change(SHEET_ID, SHEET, lambda sheet: sheet[first].__setitem__(LINK, f"{sheet[first][LINK]}x"))
    google.before_values(2, lambda: google.change(SHEET_ID, SHEET, lambda sheet: without(sheet, second)))

    successor = world.replica(**told)
    for request_id in asked.values():
        world.until_status(request_id, "completed", 120)
    exact(world.job(asked["database"]), rows, {"source_changed": 1, "source_restarted": 1})
    exact(world.job(asked["google_sheets"]), bots.expected, {"source_restarted": 2}, gone=1)
    moved = [line for line in successor.logged("job.settled") if line["error_code"] == "source_changed"]
    assert [line["status"] for line in moved] == ["pending"], "rows that moved between two pages"
    stored = dict(world.rows.ask("select source, count(*) from directory.chats group by source"))
    assert stored == {
        "academic_group": len(directory.chats),
        "admin_panel": rows.inserted + 1,
        "bot_registrar": bots.expected.inserted + 1,
    }
    judge(world, target=False)


def shared(world: FaultWorld, google: SheetsServer, table: str, sheet: Worksheet) -> dict[str, str]:
    """What a replica is told of the sources."""
    account = google.new_account("robot")
    google.add(SHEET_ID, "Боты", [sheet], shared_with=[account["client_email"]])
    key = world.folder / "google.json"
    key.write_text(json.dumps(account))
    return {
        "MIGRATION_CONNECTIONS": json.dumps({"admin_panel": table}),
        "MIGRATION_GOOGLE_CREDENTIALS": json.dumps({"default": str(key)}),
        "MIGRATION_GOOGLE_API_URL": google.url,
        "MIGRATION_MAX_RUNNING_JOBS": "3",
    }


def has_moved(world: FaultWorld, request_id: str) -> bool:
    """Whether a batch is stored."""
    return bool(world.job(request_id).get("checkpoint"))


def without(sheet: list[list[Cell]], index: int) -> list[list[Cell]]:
    """The rows below a row have moved up."""
    return [*sheet[:index], *sheet[index + 1 :]]


def exact(job: dict[str, Any], expected: Expected, warnings: dict[str, int], gone: int = 0) -> None:
    """Every row of the source as it is now is accounted for, `gone` of the first ones are not in it."""
    assert (job["total"], job["processed"]) == (expected.total - gone, expected.processed - gone)
    assert (job["failed"], job["duplicates"]) == (expected.failed, expected.duplicates)
    assert job["inserted"] + job["updated"] + job["unchanged"] == expected.inserted - gone
    assert job["unchanged"] > 0, "what the reading before had stored"
    assert json.loads(job["warnings"]) == {**expected.warnings, **warnings}
