"""A workbook, a database and a Google spreadsheet at the same time: every row of each accounted for."""

from collections.abc import Callable, Iterator

import pytest

from devstack.fake_sheets.server import FakeSheetsServer
from devstack.fakedata.chats import ChatGenerator
from schemas.status import Status
from tests.support.harness import Harness
from tests.support.three_sources import assert_exact, make_sources


@pytest.fixture
def harness(make_harness: Callable[[], Harness]) -> Iterator[Harness]:
    """A harness for each test, with empty tables."""
    made = make_harness()
    yield made
    for replica in made.replicas:
        replica.stop()


def chats_by_tag(harness: Harness) -> dict[str, int]:
    """Chats by their tag."""
    return dict(harness.db.fetch("select source, count(*) from directory.chats group by source"))


@pytest.mark.parametrize("replicas", [1, 2])
def test_three_concurrent_sources_have_exact_counts(
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


def test_concurrent_imports_of_same_chats_insert_each_once(
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
        for harness, kinds in ((both, ("database", "google_sheets")), (alone, ("google_sheets",))):
            for _ in range(2):
                harness.start_replica(**sources.settings, MIGRATION_BATCH_ROWS="100")
            requests = [harness.kafka.start(sources.specs[kind]) for kind in kinds]
            events = [harness.kafka.wait_for_terminal_event(request_id) for request_id in requests]
            assert sum(event.inserted for event in events) == links
            for event in events:
                assert event.status is Status.COMPLETED
                assert event.inserted + event.updated + event.unchanged == links
                assert event.duplicates == len(chats) - links
            for replica in harness.replicas:
                replica.stop()
        # Whoever came first: a row that knows no КПП takes nothing away from one that does.
        assert both.db.directory_tables()["chats"] == alone.db.directory_tables()["chats"]
        assert both.db.directory_tables()["administrators"] == alone.db.directory_tables()["administrators"]
