"""A correction whose owner is killed, or loses the answer to a COMMIT: each row is stored and marked once."""

import pytest

from tests.support.faults.consistency_checks import correction_mismatches
from tests.support.faults.fault_harness import LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.faults.rejected_import import RejectedImport
from tests.support.wait import wait_until

KILLS = [
    "claim.committed=kill",
    "child.started=kill",
    "batch.copying=kill@4",
    "batch.copied=kill@2",
    "batch.fenced=kill@2",
    "batch.merged=kill@2",
    "batch.recorded=kill@2",
    "batch.committed=kill@2",
    "batch.committed=kill@3",
    "outcome.before_write=kill",
    "outcome.written=kill",
    "outcome.committed=kill",
]
BATCHES = 3
BACKENDS = """
select count(*) from pg_stat_activity where datname = $1 and application_name like 'chat-migration%'
"""


@pytest.fixture
def imported(fault_harness: FaultHarness, rejecting_workbook: GoldenWorkbook) -> RejectedImport:
    """An import that has ended, as has the replica that ran it."""
    replica = fault_harness.start_replica(**LONG_LEASES)
    made = RejectedImport.make(fault_harness, rejecting_workbook, replica)
    replica.stop()
    return made


@pytest.mark.parametrize("fault", KILLS)
def test_correction_goes_on_after_a_kill_at_any_point(imported: RejectedImport, fault: str) -> None:
    harness = imported.harness
    killed = harness.start_replica(fault)
    correction = imported.start_correction(imported.sent)
    harness.wait_killed(killed)
    wait_until(
        lambda: harness.db.fetchval(BACKENDS, harness.database_name) == 0,
        10,
        "the backends of the killed to end",
    )
    assert correction_mismatches(harness.db) == []
    harness.start_replica(**LONG_LEASES)
    harness.wait_for_status(correction, "completed", 120)
    imported.assert_corrected(correction, imported.expect())
    assert_invariants(harness)


@pytest.mark.parametrize("nth", range(1, BATCHES + 1))
def test_lost_reply_to_a_batch_of_a_correction_is_harmless(imported: RejectedImport, nth: int) -> None:
    harness = imported.harness
    loss = harness.postgres_proxy.drop_commit_reply(
        nth, lambda commit: commit.mentions("checkpoint = $3, consecutive_failures = 0")
    )
    harness.start_replica(**LONG_LEASES)
    correction = imported.start_correction(imported.sent)
    assert loss.happened.wait(60)
    assert loss.reply == "COMMIT"
    harness.wait_for_status(correction, "completed", 120)
    imported.assert_corrected(correction, imported.expect())
    assert_invariants(harness)
