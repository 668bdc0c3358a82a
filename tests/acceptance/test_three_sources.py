"""A workbook, a database and a Google spreadsheet at the same time: every row of each accounted for."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.workbook import make_workbook
from devstack.admin_panel import make_table
from devstack.chats import Chat, Maker
from devstack.sheets.rows import bot_rows
from devstack.sheets.server import SheetsServer, Worksheet
from schemas.status import MigrationStatus, Status
from tests.acceptance.conftest import World
from tests.support.rows import Rows
from tests.support.wait import until

SHEET_ID = "1AbCdEfGhIjKlMnOpQrStUvWxYz"
ADD_CHATS = """
insert into chats (id, inn, name, url, admin_phone)
select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
"""
SMALL_BATCHES = {"MIGRATION_BATCH_ROWS": "200", "MIGRATION_MAX_RUNNING_JOBS": "3"}


@dataclass(frozen=True)
class Sources:
    """Three places with rows, what a replica is told of them, and what has to come of each."""

    told: dict[str, str]
    specs: dict[str, dict[str, Any]]
    expected: dict[str, Any]

    def start(self, world: World) -> dict[str, str]:
        """Ask for all three; request ids by kind."""
        return {kind: world.line.start(spec) for kind, spec in self.specs.items()}


@pytest.fixture
def google() -> Iterator[SheetsServer]:
    with SheetsServer() as server:
        yield server


@pytest.fixture
def world(make_world: Callable[[], World]) -> Iterator[World]:
    """A world for each test, with empty tables."""
    made = make_world()
    yield made
    for replica in made.replicas:
        replica.stop()


@contextmanager
def made(world: World, google: SheetsServer, rows: int, same: Sequence[Chat] = ()) -> Iterator[Sources]:
    """A workbook of the inbox, a table of its own database, a spreadsheet; `same` chats stand in both."""
    name = f"{world.database}_old"
    dsn = world.stack.create_database(name)
    account = google.new_account("robot")
    key = world.folder / "google.json"
    key.write_text(json.dumps(account))
    sheet = bot_rows(rows, seed=32)
    table = make_table(dsn, rows, seed=33)
    sheet.rows.extend([chat.inn, chat.kpp, chat.url, chat.phone, chat.name] for chat in same)
    columns = [[getattr(chat, name) for chat in same] for name in ("inn", "name", "url", "phone")]
    Rows(dsn).ask(ADD_CHATS, list(range(len(same))), *columns)
    google.add(SHEET_ID, "Боты", [Worksheet("Чаты", rows=sheet.rows)], shared_with=[account["client_email"]])
    try:
        yield Sources(
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
                "excel": make_workbook(world.inbox / "three.xlsx", rows=rows * 2 or 1, seed=31),
                "database": table,
                "google_sheets": sheet.expected,
            },
        )
    finally:
        world.stack.drop_database(name)


def exact(event: MigrationStatus, expected: Any) -> None:
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


def stored(world: World) -> dict[str, int]:
    """Chats by their tag."""
    return dict(world.rows.ask("select source, count(*) from directory.chats group by source"))


@pytest.mark.parametrize("replicas", [1, 2])
def test_all_three_run_at_once_with_exact_counts(world: World, google: SheetsServer, replicas: int) -> None:
    with made(world, google, 6_000) as sources:
        for _ in range(replicas):
            world.replica(**sources.told, MIGRATION_BATCH_ROWS="1000", MIGRATION_MAX_RUNNING_JOBS="3")
        requests = sources.start(world)
        for kind, request_id in requests.items():
            exact(world.line.ended(request_id), sources.expected[kind])
        assert stored(world) == {
            "academic_group": sources.expected["excel"].inserted,
            "admin_panel": sources.expected["database"].inserted,
            "bot_registrar": sources.expected["google_sheets"].inserted,
        }
        for kind, request_id in sources.start(world).items():
            again = world.line.ended(request_id)
            assert (again.inserted, again.updated) == (0, 0), kind
            assert again.unchanged == sources.expected[kind].inserted


def test_a_database_and_a_spreadsheet_with_the_same_chats_at_once_make_each_of_them_once(
    make_world: Callable[[], World], google: SheetsServer
) -> None:
    chats = [chat for _, chat, fate in Maker(3_000, 7, tag="s", office="60", wrong=0, kpp=True).chats()]
    links = len({chat.url for chat in chats})
    both, alone = make_world(), make_world()
    with made(both, google, 0, chats) as sources:
        for world, kinds in ((both, ("database", "google_sheets")), (alone, ("google_sheets",))):
            for _ in range(2):
                world.replica(**sources.told, MIGRATION_BATCH_ROWS="100")
            requests = [world.line.start(sources.specs[kind]) for kind in kinds]
            events = [world.line.ended(request_id) for request_id in requests]
            assert sum(event.inserted for event in events) == links
            for event in events:
                assert event.status is Status.COMPLETED
                assert event.inserted + event.updated + event.unchanged == links
                assert event.duplicates == len(chats) - links
            for replica in world.replicas:
                replica.stop()
        # Whoever came first: a row that knows no КПП takes nothing away from one that does.
        assert both.rows.directory()["chats"] == alone.rows.directory()["chats"]
        assert both.rows.directory()["administrators"] == alone.rows.directory()["administrators"]


def test_killed_in_the_middle_of_each_all_three_go_on_from_their_checkpoints(
    world: World, google: SheetsServer
) -> None:
    with made(world, google, 12_000) as sources:
        # From the fourth batch of all on, each of them is the last one its job stores.
        held = {"MIGRATION_FAULTS": "batch.committed=hang@4+"}
        first = world.replica(**sources.told, **SMALL_BATCHES, **held)
        requests = sources.start(world)

        def in_the_middle() -> bool:
            jobs = [world.rows.job(request_id) for request_id in requests.values()]
            return all(job.get("checkpoint") is not None for job in jobs)

        until(in_the_middle, 60, "all three to be in their middle")
        first.kill()
        jobs = [world.rows.job(request_id) for request_id in requests.values()]
        assert {job["status"] for job in jobs} == {"running"}
        until_checkpoints = {job["id"]: job["checkpoint"] for job in jobs}

        second = world.replica(**sources.told, **SMALL_BATCHES)
        for kind, request_id in requests.items():
            event = world.line.ended(request_id)
            exact(event, sources.expected[kind])
            assert event.attempt == 2
        resumed = {line["job_id"]: line["checkpoint"] for line in second.logged("load.resumed")}
        assert resumed.keys() == until_checkpoints.keys()
        assert resumed == until_checkpoints
        began_again = [line["checkpoint"] for line in second.logged("job.claimed")]
        assert len(began_again) == 3
        assert None not in began_again
