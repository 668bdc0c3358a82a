"""A workbook, a database and a Google spreadsheet at the same time: every row of each accounted for."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from devstack.fake_sheets.server import FakeSheetsServer, FakeWorksheet
from devstack.fakedata.admin_panel import create_chats_table
from devstack.fakedata.bot_sheet import make_bot_sheet
from devstack.fakedata.chats import ChatGenerator, GeneratedChat
from devstack.fakedata.workbook import make_workbook
from schemas.status import Status, StatusEvent
from tests.acceptance.conftest import Harness
from tests.support.database_inspector import DatabaseInspector
from tests.support.wait import wait_until

SHEET_ID = "1AbCdEfGhIjKlMnOpQrStUvWxYz"
ADD_CHATS = """
insert into chats (id, inn, name, url, admin_phone)
select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
"""
SMALL_BATCHES = {"MIGRATION_BATCH_ROWS": "200", "MIGRATION_MAX_RUNNING_JOBS": "3"}


@dataclass(frozen=True)
class ThreeSources:
    """Three places with rows, what a replica is told of them, and what has to come of each."""

    settings: dict[str, str]
    specs: dict[str, dict[str, Any]]
    expected: dict[str, Any]

    def start(self, harness: Harness) -> dict[str, str]:
        """Ask for all three; request ids by kind."""
        return {kind: harness.kafka.start(spec) for kind, spec in self.specs.items()}


@pytest.fixture
def fake_sheets() -> Iterator[FakeSheetsServer]:
    with FakeSheetsServer() as server:
        yield server


@pytest.fixture
def harness(make_harness: Callable[[], Harness]) -> Iterator[Harness]:
    """A world for each test, with empty tables."""
    made = make_harness()
    yield made
    for replica in made.replicas:
        replica.stop()


@contextmanager
def make_sources(
    harness: Harness, google: FakeSheetsServer, rows: int, same: Sequence[GeneratedChat] = ()
) -> Iterator[ThreeSources]:
    """A workbook of the inbox, a table of its own database, a spreadsheet; `same` chats stand in both."""
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


def chats_by_tag(harness: Harness) -> dict[str, int]:
    """Chats by their tag."""
    return dict(harness.db.fetch("select source, count(*) from directory.chats group by source"))


@pytest.mark.parametrize("replicas", [1, 2])
def test_all_three_run_at_once_with_exact_counts(
    harness: Harness, fake_sheets: FakeSheetsServer, replicas: int
) -> None:
    with make_sources(harness, fake_sheets, 6_000) as sources:
        for _ in range(replicas):
            harness.start_replica(
                **sources.settings, MIGRATION_BATCH_ROWS="1000", MIGRATION_MAX_RUNNING_JOBS="3"
            )
        requests = sources.start(harness)
        for kind, request_id in requests.items():
            assert_exact(harness.kafka.wait_for_terminal_event(request_id), sources.expected[kind])
        assert chats_by_tag(harness) == {
            "academic_group": sources.expected["excel"].inserted,
            "admin_panel": sources.expected["database"].inserted,
            "bot_registrar": sources.expected["google_sheets"].inserted,
        }
        for kind, request_id in sources.start(harness).items():
            again = harness.kafka.wait_for_terminal_event(request_id)
            assert (again.inserted, again.updated) == (0, 0), kind
            assert again.unchanged == sources.expected[kind].inserted


def test_a_database_and_a_spreadsheet_with_the_same_chats_at_once_make_each_of_them_once(
    make_harness: Callable[[], Harness], fake_sheets: FakeSheetsServer
) -> None:
    chats = [
        chat
        for _, chat, fate in ChatGenerator(
            3_000, 7, tag="s", tax_office="60", invalid_share=0, with_kpp=True
        ).chats()
    ]
    links = len({chat.url for chat in chats})
    both, alone = make_harness(), make_harness()
    with make_sources(both, fake_sheets, 0, chats) as sources:
        for world, kinds in ((both, ("database", "google_sheets")), (alone, ("google_sheets",))):
            for _ in range(2):
                world.start_replica(**sources.settings, MIGRATION_BATCH_ROWS="100")
            requests = [world.kafka.start(sources.specs[kind]) for kind in kinds]
            events = [world.kafka.wait_for_terminal_event(request_id) for request_id in requests]
            assert sum(event.inserted for event in events) == links
            for event in events:
                assert event.status is Status.COMPLETED
                assert event.inserted + event.updated + event.unchanged == links
                assert event.duplicates == len(chats) - links
            for replica in world.replicas:
                replica.stop()
        # Whoever came first: a row that knows no КПП takes nothing away from one that does.
        assert both.db.directory_tables()["chats"] == alone.db.directory_tables()["chats"]
        assert both.db.directory_tables()["administrators"] == alone.db.directory_tables()["administrators"]


def test_killed_in_the_middle_of_each_all_three_go_on_from_their_checkpoints(
    harness: Harness, fake_sheets: FakeSheetsServer
) -> None:
    with make_sources(harness, fake_sheets, 12_000) as sources:
        # From the fourth batch of all on, each of them is the last one its job stores.
        held = {"MIGRATION_FAILPOINTS": "batch.committed=hang@4+"}
        first = harness.start_replica(**sources.settings, **SMALL_BATCHES, **held)
        requests = sources.start(harness)

        def in_the_middle() -> bool:
            jobs = [harness.db.job(request_id) for request_id in requests.values()]
            return all(job.get("checkpoint") is not None for job in jobs)

        wait_until(in_the_middle, 60, "all three to be in their middle")
        first.kill()
        jobs = [harness.db.job(request_id) for request_id in requests.values()]
        assert {job["status"] for job in jobs} == {"running"}
        until_checkpoints = {job["id"]: job["checkpoint"] for job in jobs}

        second = harness.start_replica(**sources.settings, **SMALL_BATCHES)
        for kind, request_id in requests.items():
            event = harness.kafka.wait_for_terminal_event(request_id)
            assert_exact(event, sources.expected[kind])
            assert event.attempt == 2
        resumed = {line["job_id"]: line["checkpoint"] for line in second.log_events("load.resumed")}
        assert resumed.keys() == until_checkpoints.keys()
        assert resumed == until_checkpoints
        began_again = [line["checkpoint"] for line in second.log_events("job.claimed")]
        assert len(began_again) == 3
        assert None not in began_again
