"""The oracle finds nothing where all is well, and each thing that is not."""

import os
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from schemas.status import StatusEvent
from tests.support.faults.event_checks import event_violations
from tests.support.faults.fault_harness import FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants

CORRUPTIONS = (
    "delete from directory.administrators where id = (select min(id) from directory.administrators)",
    "update directory.chats set name = 'other' where id = (select min(id) from directory.chats)",
    "delete from migration.migration_errors where row_number = 2 + (select min(row_number) - 2 from migration.migration_errors)",  # noqa: E501
    "update migration.jobs set sequence = sequence + 1, warnings = '{}', duplicates = duplicates + 1, inserted = inserted - 1",  # noqa: E501
    "update migration.jobs set detail = (select phone from directory.administrators limit 1)",
    "update migration.rejected_counts set rows = rows + 1",
    "update migration.attempts set outcome = 'failed'",
    "insert into migration.attempts (job_id, token, run, attempt, replica, started_at) select id, 0, 9, 1, 'x', now() from migration.jobs",  # noqa: E501
    "insert into migration.leases (name, owner, token, expires_at) values ('job:1', 'x', 1, now())",
)
FINDINGS = (
    "administrators has",
    "chats has",
    "rejected other rows",
    "its sequence is not 1 to",
    "reports warnings",
    "instead of (2400",
    "the jobs together did",
    " are rejected",
    "completed, and an attempt of it is open",
    "behind the one with the highest token",
    "completed behind an attempt that was failed",
    ": a phone after",
    "lease job:1 is left",
    "forgotten is left",
    "a process is left",
    "log of replica 1: secret 1 after",
    "log of replica 1: a phone after",
)


def test_oracle_accepts_valid_state_and_finds_each_corruption(
    fault_harness: FaultHarness, workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    replica = harness.start_replica()
    harness.wait_for_status(harness.request_import(workbook), "completed")
    assert_invariants(harness)

    for statement in CORRUPTIONS:
        harness.db.fetch(statement)
    (harness.scratch / "forgotten").touch()
    phone = harness.db.fetchval("select phone from directory.administrators limit 1")
    with replica.log.open("a") as log:
        log.write(f"spoilt: {phone[:2]} ({phone[2:5]}) {phone[5:]} and {urlsplit(harness.dsn).password}\n")
    sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(sleeping, env=os.environ | {"TMPDIR": str(harness.tmpdir)}) as left:
        with pytest.raises(AssertionError) as caught:
            assert_invariants(harness)
        left.kill()
    assert [finding for finding in FINDINGS if finding not in str(caught.value)] == []
    assert phone[2:] not in str(caught.value)


def _status_events(harness: FaultHarness, request_id: str) -> list[StatusEvent]:
    return harness.kafka.events(request_id, lambda event: event.status.terminal)


def test_oracle_finds_event_violations(fault_harness: FaultHarness, workbook: GoldenWorkbook) -> None:
    harness = fault_harness
    harness.start_replica()
    request_id = harness.request_import(workbook)
    job = harness.wait_for_status(request_id, "completed")
    events = _status_events(harness, request_id)
    assert_invariants(harness)
    *before, last = events
    other = last.model_copy(update={"processed": 1})
    doubled = last.model_copy(update={"sequence": last.sequence + 1})
    assert event_violations(events, job) == []
    assert event_violations([*events, *events[2:]], job) == [], "the same again is at least once"
    assert event_violations([*before[:2], *before[3:], last], job), "a gap"
    assert event_violations([*before[:2], before[3], before[2], *before[4:], last], job), "out of order"
    assert event_violations(before, job), "no end"
    assert event_violations([*events, other], job), "another event under a known sequence"
    assert event_violations([*events, doubled], job | {"sequence": doubled.sequence}), "two ends"
