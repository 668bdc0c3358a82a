"""I6: after any crash, and any COMMIT whose answer was lost, the target equals the source exactly."""

import random
from collections.abc import Callable
from functools import partial

import pytest

from devstack.service import ServiceProcess
from tests.support.faults.fault_harness import FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants, wait_until_quiet
from tests.support.faults.postgres_proxy import Commit
from tests.support.wait import wait_until

COMMIT_KINDS = {
    "the request": "insert into migration.jobs",
    "the claim": "attempt = attempt + 1, consecutive_failures = consecutive_failures + 1",
    "the beginning of the load": "set fingerprint",
    "the total": "set total",
    "a batch": "checkpoint = $3, consecutive_failures = 0",
    "the end": "set status = 'completed'",
    "what was published": "set published_at = clock_timestamp()",
}
LEASE_ONLY_STATEMENTS = (
    *("with renewed as", "into migration.leases", "update migration.leases", "delete from migration.leases"),
)
MIN_BATCHES = 3
MAX_COMMITS = 60


def writes_job_or_event(commit: Commit) -> bool:
    """A transaction that writes a job or its events; what writes leases alone is tried by itself."""
    others = (
        statement
        for statement in commit.statements
        if not any(words in statement for words in LEASE_ONLY_STATEMENTS)
    )
    return Commit(tuple(others)).writes


def missing_kinds(lost: list[Commit]) -> list[str]:
    """The kinds of commit that none of these was of."""
    return [
        kind for kind, words in COMMIT_KINDS.items() if not any(commit.mentions(words) for commit in lost)
    ]


def batch_count(lost: list[Commit]) -> int:
    """How many of these were of a batch."""
    return sum(commit.mentions(COMMIT_KINDS["a batch"]) for commit in lost)


def import_dropping_reply(
    harness: FaultHarness, workbook: GoldenWorkbook, nth: int, where: Callable[[Commit], bool]
) -> Commit | None:
    """Import a workbook, and lose the answer to its nth commit of a kind; None where it has fewer."""
    harness.truncate_directory()
    loss = harness.postgres_proxy.drop_commit_reply(nth, where)
    request_id = harness.request_import(workbook)
    harness.wait_for_status(request_id, "completed")
    wait_until_quiet(harness)
    assert harness.db.directory_tables() == harness.expected_directory.rows(), (
        f"after the loss of {loss.commit}"
    )
    if loss.commit is not None:
        assert loss.happened.wait(10)
        assert loss.reply == "COMMIT"
    return loss.commit


def test_lost_reply_to_any_commit_of_job_is_harmless(
    fault_harness: FaultHarness, three_batch_workbook: GoldenWorkbook
) -> None:
    """One job for each n: the answer to the nth COMMIT of a transaction that writes is lost.

    Their order is not always the same, so a kind that was never the nth has a job of its own.
    """
    harness = fault_harness
    harness.start_replica()
    harness.start_replica()
    lost: list[Commit] = []
    for nth in range(1, MAX_COMMITS):
        commit = import_dropping_reply(harness, three_batch_workbook, nth, writes_job_or_event)
        if commit is None:
            break
        lost.append(commit)
    else:
        pytest.fail("it never came to a commit that a job does not have")
    left = [(1, kind) for kind in missing_kinds(lost)]
    left += [
        (nth, "a batch")
        for nth in range(batch_count(lost) + 1, MIN_BATCHES + 1)
        if (nth, "a batch") not in left
    ]
    for nth, kind in left:
        commit = import_dropping_reply(
            harness,
            three_batch_workbook,
            nth,
            lambda candidate, words=COMMIT_KINDS[kind]: candidate.mentions(words),  # type: ignore[misc]
        )
        assert commit, f"there is no commit of {kind}, or too few"
        lost.append(commit)
    harness.postgres_proxy.dropped_reply = None
    assert not missing_kinds(lost), f"of {len(lost)} answers lost none was about {missing_kinds(lost)}"
    assert batch_count(lost) >= MIN_BATCHES
    assert_invariants(harness)


@pytest.mark.parametrize(
    "words",
    [("with renewed as",), ("into migration.leases", "nextval"), ("update migration.leases set expires_at",)],
    ids=["heartbeat", "election", "renewal"],
)
def test_lost_reply_to_lease_commit_is_harmless(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, words: tuple[str, ...]
) -> None:
    harness = fault_harness
    loss = harness.postgres_proxy.drop_commit_reply(1, lambda commit: commit.mentions(*words))
    harness.start_replica()
    harness.start_replica()
    request_id = harness.request_import(workbook)
    assert loss.happened.wait(60)
    harness.wait_for_status(request_id, "completed")
    assert_invariants(harness)


def test_lost_replies_to_cancel_and_retry_are_harmless(
    fault_harness: FaultHarness, workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    harness.start_replica()
    loss = harness.postgres_proxy.drop_commit_reply(
        1, lambda commit: commit.mentions("insert into migration.commands")
    )
    with harness.db.locked_table("directory.chats"):
        request_id = harness.request_import(workbook)
        harness.wait_for_status(request_id, "running")
        harness.kafka.command("cancel", request_id)
        assert loss.happened.wait(60)
        harness.wait_for_status(request_id, "cancelled")
    loss = harness.postgres_proxy.drop_commit_reply(
        1, lambda commit: commit.mentions("insert into migration.commands")
    )
    harness.kafka.command("retry", request_id)
    assert loss.happened.wait(60)
    assert harness.wait_for_status(request_id, "completed")["run"] == 2
    assert harness.db.fetchval("select count(*) from migration.commands") == 2
    assert harness.dead_letter_reasons(request_id) == [], "what was obeyed was refused when it came again"
    assert_invariants(harness)


KILL_FAILPOINTS = (
    *("batch.copying", "batch.copied", "batch.fenced", "batch.merged", "batch.recorded", "batch.committed"),
    *("heartbeat.before", "relay.before_send", "relay.sent", "relay.marked"),
)
MAX_KILLS = 8
MIN_KILLS = 5
"""A job may come to its end before a fault is due; fewer would show little."""


def is_killed_or_done(harness: FaultHarness, replica: ServiceProcess, request_id: str) -> bool:
    """Whether the replica was killed, or the job needs it no more."""
    return not replica.running or harness.job(request_id).get("status") == "completed"


@pytest.mark.parametrize("seed", [1, 2])
def test_target_equals_source_after_random_kills(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, seed: int
) -> None:
    harness, chance = fault_harness, random.Random(seed)
    settings = {"MIGRATION_BATCH_ROWS": "30", "MIGRATION_MAX_ATTEMPTS": "50"}
    request_id, kills = "", 0
    while kills < MAX_KILLS:
        fault = f"{chance.choice(KILL_FAILPOINTS)}=kill@{chance.randint(1, 4)}"
        replica = harness.launch(fault, **settings)
        request_id = request_id or harness.request_import(workbook)
        wait_until(
            partial(is_killed_or_done, harness, replica, request_id), 60, f"{fault}, or the end of the job"
        )
        if replica.running:
            break
        harness.wait_killed(replica)
        kills += 1
    assert kills >= MIN_KILLS
    harness.start_replica(**settings)
    harness.wait_for_status(request_id, "completed")
    assert_invariants(harness)
