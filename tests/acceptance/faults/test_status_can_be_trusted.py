"""I7: each change of a job is one event, published at least once, in order for who drops what is older."""

import pytest

from schemas.status import Status
from tests.acceptance.faults.conftest import FaultWorld
from tests.support.faults.books import Book
from tests.support.faults.cluster import Cluster
from tests.support.faults.oracle import judge, quiet
from tests.support.wait import until

UNSENT = "select count(*) from migration.outbox where published_at is null"


@pytest.mark.parametrize("point", ["relay.before_send", "relay.sent", "relay.marked"])
@pytest.mark.parametrize("nth", [1, 3])
def test_no_event_is_lost_wherever_the_relay_is_killed(
    fault_world: FaultWorld, book: Book, point: str, nth: int
) -> None:
    world = fault_world
    first = world.replica(f"{point}=kill@{nth}")
    request_id = world.ask(book)
    world.until_killed(first)
    world.launch()
    world.until_status(request_id, "completed")
    judge(world)
    if point == "relay.sent":
        events = world.events(request_id)
        assert len(events) > len({event.event_id for event in events}), "what was sent and not marked"


def test_a_relay_frozen_with_events_in_its_hands_confuses_nobody_when_it_wakes(
    fault_world: FaultWorld, book: Book
) -> None:
    world = fault_world
    zombie = world.replica("relay.before_send=stop@3")
    request_id = world.ask(book)
    world.until_frozen(zombie)
    world.launch()
    world.until_status(request_id, "completed")
    quiet(world)
    before = len(world.events(request_id))

    world.wake(zombie)
    until(lambda: zombie.logged("relay.deposed"), 30, "the relay of old to notice")
    until(lambda: zombie.logged("relay.made_good"), 30, "the last events to be sent again")
    quiet(world)
    late = world.events(request_id)[before:]
    assert [event for event in late if not event.status.terminal], "it sent what it had in its hands"
    assert late[-1].status is Status.COMPLETED, "who reads the last event alone is told an old state"
    judge(world)


def test_a_relay_that_fails_at_its_first_step_hands_its_lease_back(
    fault_world: FaultWorld, small_book: Book
) -> None:
    world = fault_world
    world.postgres.lose_answer(1, lambda commit: commit.touches("update migration.outbox o", "mins =>"))
    service = world.replica(MIGRATION_LEASE_SECONDS="60")
    until(
        lambda: len(service.logged("relay.elected")) == 2, 15, "its second term, long before the lease ends"
    )
    world.until_status(world.ask(small_book), "completed")
    judge(world)


def test_events_written_while_kafka_is_away_are_sent_when_it_is_back(
    make_fault_world: object, cluster: Cluster, book: Book
) -> None:
    assert callable(make_fault_world)
    world: FaultWorld = make_fault_world(cluster)
    service = world.replica()
    [proxy] = cluster.proxies
    with world.rows.held("directory.chats"):
        request_id = world.ask(book)
        world.until_status(request_id, "running")
        proxy.cut()
    try:
        world.until_status(request_id, "completed")
        until(lambda: service.logged("relay.unacknowledged"), 150, "the relay to give a page up")
        assert world.rows.one(UNSENT) > 0
    finally:
        proxy.heal()
    judge(world)
