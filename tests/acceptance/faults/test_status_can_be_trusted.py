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
    harness = fault_harness
    first = harness.start_replica(f"{point}=kill@{nth}")
    request_id = harness.request_import(workbook)
    harness.wait_killed(first)
    harness.launch()
    harness.wait_for_status(request_id, "completed")
    assert_invariants(harness)
    if point == "relay.sent":
        events = harness.events(request_id)
        assert len(events) > len({event.event_id for event in events}), "what was sent and not marked"


def test_resumed_frozen_relay_republishes_latest_event(
    fault_harness: FaultHarness, workbook: GoldenWorkbook
) -> None:
    """The resumed relay publishes the events that it had fetched before it was frozen."""
    harness = fault_harness
    zombie = harness.start_replica("relay.before_send=stop@3")
    request_id = harness.request_import(workbook)
    harness.wait_frozen(zombie)
    harness.launch()
    harness.wait_for_status(request_id, "completed")
    wait_until_quiet(harness)
    before = len(harness.events(request_id))

    harness.resume(zombie)
    wait_until(lambda: zombie.log_events("relay.lease_lost"), 30, "the relay of old to notice")
    wait_until(lambda: zombie.log_events("relay.republished"), 30, "the last events to be sent again")
    wait_until_quiet(harness)
    late = harness.events(request_id)[before:]
    assert [event for event in late if not event.status.terminal], "it sent what it had in its hands"
    assert late[-1].status is Status.COMPLETED, "a reader of the last event alone sees an old state"
    assert_invariants(harness)


def test_relay_that_fails_at_first_step_releases_its_lease(
    fault_harness: FaultHarness, one_batch_workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    harness.postgres_proxy.drop_commit_reply(
        1, lambda commit: commit.mentions("update migration.outbox o", "mins =>")
    )
    service = harness.start_replica(MIGRATION_LEASE_SECONDS="60")
    wait_until(
        lambda: len(service.log_events("relay.elected")) == 2,
        15,
        "its second term, long before the lease ends",
    )
    harness.wait_for_status(harness.request_import(one_batch_workbook), "completed")
    assert_invariants(harness)


def test_events_written_during_kafka_outage_are_published_after_it(
    make_fault_harness: object, cluster: Cluster, workbook: GoldenWorkbook
) -> None:
    assert callable(make_fault_harness)
    harness: FaultHarness = make_fault_harness(cluster)
    service = harness.start_replica()
    [proxy] = cluster.proxies
    with harness.db.locked_table("directory.chats"):
        request_id = harness.request_import(workbook)
        harness.wait_for_status(request_id, "running")
        proxy.cut()
    try:
        harness.wait_for_status(request_id, "completed")
        wait_until(lambda: service.log_events("relay.publish_failed"), 150, "the relay to give a page up")
        assert harness.db.fetchval(PENDING_EVENTS) > 0
    finally:
        proxy.heal()
    assert_invariants(harness)
