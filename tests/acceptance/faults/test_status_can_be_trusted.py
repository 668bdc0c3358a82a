"""I7: each change of a job is one event, published at least once, in order for who drops what is older."""

import pytest

from schemas.status import Status
from tests.support.faults.cluster import Cluster
from tests.support.faults.fault_harness import FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants, wait_until_quiet
from tests.support.wait import wait_until

PENDING_EVENTS = "select count(*) from migration.outbox where published_at is null"


@pytest.mark.parametrize("point", ["relay.before_send", "relay.sent", "relay.marked"])
@pytest.mark.parametrize("nth", [1, 3])
def test_no_event_is_lost_when_relay_is_killed(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, point: str, nth: int
) -> None:
    world = fault_harness
    first = world.start_replica(f"{point}=kill@{nth}")
    request_id = world.request_import(workbook)
    world.wait_killed(first)
    world.launch()
    world.wait_for_status(request_id, "completed")
    assert_invariants(world)
    if point == "relay.sent":
        events = world.events(request_id)
        assert len(events) > len({event.event_id for event in events}), "what was sent and not marked"


def test_resumed_frozen_relay_republishes_latest_event(
    fault_harness: FaultHarness, workbook: GoldenWorkbook
) -> None:
    """The resumed relay publishes the events that it had fetched before it was frozen."""
    world = fault_harness
    zombie = world.start_replica("relay.before_send=stop@3")
    request_id = world.request_import(workbook)
    world.wait_frozen(zombie)
    world.launch()
    world.wait_for_status(request_id, "completed")
    wait_until_quiet(world)
    before = len(world.events(request_id))

    world.resume(zombie)
    wait_until(lambda: zombie.log_events("relay.lease_lost"), 30, "the relay of old to notice")
    wait_until(lambda: zombie.log_events("relay.republished"), 30, "the last events to be sent again")
    wait_until_quiet(world)
    late = world.events(request_id)[before:]
    assert [event for event in late if not event.status.terminal], "it sent what it had in its hands"
    assert late[-1].status is Status.COMPLETED, "a reader of the last event alone sees an old state"
    assert_invariants(world)


def test_relay_that_fails_at_first_step_releases_its_lease(
    fault_harness: FaultHarness, one_batch_workbook: GoldenWorkbook
) -> None:
    world = fault_harness
    world.postgres_proxy.drop_commit_reply(
        1, lambda commit: commit.mentions("update migration.outbox o", "mins =>")
    )
    service = world.start_replica(MIGRATION_LEASE_SECONDS="60")
    wait_until(
        lambda: len(service.log_events("relay.elected")) == 2,
        15,
        "its second term, long before the lease ends",
    )
    world.wait_for_status(world.request_import(one_batch_workbook), "completed")
    assert_invariants(world)


def test_events_written_during_kafka_outage_are_published_after_it(
    make_fault_harness: object, cluster: Cluster, workbook: GoldenWorkbook
) -> None:
    assert callable(make_fault_harness)
    world: FaultHarness = make_fault_harness(cluster)
    service = world.start_replica()
    [proxy] = cluster.proxies
    with world.db.locked_table("directory.chats"):
        request_id = world.request_import(workbook)
        world.wait_for_status(request_id, "running")
        proxy.cut()
    try:
        world.wait_for_status(request_id, "completed")
        wait_until(lambda: service.log_events("relay.publish_failed"), 150, "the relay to give a page up")
        assert world.db.fetchval(PENDING_EVENTS) > 0
    finally:
        proxy.heal()
    assert_invariants(world)
