"""Checks a harness after the faults are over: nothing lost, nothing doubled, all ended, nothing left behind.

Everything is looked at from outside: the topics, the tables, the processes, the folders, the logs.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import psutil
import structlog

from consumer.runtime.tempdir import ProcessTempDir
from devstack.service import ServiceProcess
from messaging.connection import KafkaConnection
from messaging.records import Record
from messaging.subscription import Subscription
from schemas.status import StatusEvent
from schemas.topics import DEAD_LETTERS, STATUS
from tests.support.database_inspector import DatabaseInspector
from tests.support.faults.consistency_checks import (
    attempt_mismatches,
    correction_mismatches,
    count_mismatches,
)
from tests.support.faults.event_checks import event_violations
from tests.support.faults.pii_scan import find_leaks
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import ExpectedLoad
from tests.support.wait import wait_until

QUIET_TIMEOUT_SECONDS = 60
MAX_SHOWN = 5
COUNTERS = ("total", "processed", "failed", "duplicates")
ORDER_DEPENDENT_COUNTERS = ("inserted", "updated", "unchanged")
"""Of several jobs over the same links, who came first inserts: only their sums are known beforehand."""
TERMINAL = ("completed", "failed", "cancelled")


class CheckedHarness(Protocol):
    """What the oracle has to know of a harness."""

    db: DatabaseInspector
    replicas: list[ServiceProcess]
    scratch: Path
    tmpdir: Path
    database_name: str
    expected_directory: Directory
    expected_loads: dict[str, ExpectedLoad]
    phones: set[str]
    secrets: list[str]

    @property
    def bootstrap_servers(self) -> str: ...


def assert_invariants(
    harness: CheckedHarness, *, check_target: bool = True, still_running: bool = False
) -> None:
    """Wait for quiet, end the replicas politely, look at everything; fails with all that was found.

    Without `target` what was imported is not compared: jobs ended before their time. Replicas that are
    `still_running` are not ended, and what they hold is theirs.
    """
    wait_until_quiet(harness)
    found = find_violations(harness, check_target=check_target, still_running=still_running)
    assert not found, "\n".join(["violated invariants:", *found])


def find_violations(
    harness: CheckedHarness,
    *,
    check_target: bool = True,
    check_sums: bool = True,
    still_running: bool = False,
) -> list[str]:
    """All violations of a quiet harness; its replicas are ended politely unless they are `still_running`.

    Without `check_sums`: what the jobs did to chats that others know as well depends on their order.
    """
    found = [] if still_running else _exit_codes(harness)
    checks = [_events, _counters, _consistency, _privacy]
    checks += [] if still_running else [_leases, _backends, _processes, _files]
    for check in [*checks, *([_sums] if check_sums else []), *([_target] if check_target else [])]:
        found += check(harness)
    return found


def wait_until_quiet(harness: CheckedHarness, seconds: float = QUIET_TIMEOUT_SECONDS) -> None:
    """Wait until every job has ended, every event was sent, and the living have taken what the dead held."""
    between = f"select count(*) from migration.jobs where status not in {TERMINAL}"
    wait_until(lambda: harness.db.fetchval(between) == 0, seconds, "every job to end")
    unsent = "select count(*) from migration.outbox where published_at is null"
    wait_until(lambda: harness.db.fetchval(unsent) == 0, seconds, "every event to be sent")
    wait_until(lambda: not _orphaned_leases(harness), seconds, "the leases of dead replicas to be taken")


def _orphaned_leases(harness: CheckedHarness) -> list[str]:
    """Leases of replicas that are gone, while there are others to take them."""
    living = {str(replica.pid) for replica in harness.replicas if replica.running}
    leases = harness.db.fetch("select name, split_part(owner, ':', -2) from migration.leases")
    return [name for name, pid in leases if living and pid not in living]


def _exit_codes(harness: CheckedHarness) -> list[str]:
    alive = [replica for replica in harness.replicas if replica.running]
    for replica in harness.replicas:
        replica.stop()
    return [
        f"{stopped.name} ended with {stopped.wait()}: {stopped.log_tail()}"
        for stopped in alive
        if stopped.wait() != 0
    ]


def _target(harness: CheckedHarness) -> list[str]:
    found = []
    stored, reference = harness.db.directory_tables(), harness.expected_directory.rows()
    for table, rows in reference.items():
        actual = stored[table]
        if actual != rows:
            missing, more = Counter(rows) - Counter(actual), Counter(actual) - Counter(rows)
            found.append(
                f"{table} has {len(actual)} rows instead of {len(rows)}; missing {[*missing][:MAX_SHOWN]}, "
                f"more {[*more][:MAX_SHOWN]}"
            )
    return found


def _counters(harness: CheckedHarness) -> list[str]:
    """Of completed jobs: what they report, and which rows they rejected."""
    found = []
    for request_id, load in harness.expected_loads.items():
        job = harness.db.job(request_id)
        if not job:
            found.append(f"request {request_id} has no job")
        elif job["status"] == "completed":
            got = tuple(job[name] for name in COUNTERS)
            want = tuple(getattr(load, name) for name in COUNTERS)
            if got != want:
                found.append(f"job {job['id']} reports {got} instead of {want} ({', '.join(COUNTERS)})")
            if json.loads(job["warnings"]) != dict(load.warnings):
                found.append(f"job {job['id']} reports warnings {job['warnings']} instead of {load.warnings}")
            if harness.db.rejected_rows(request_id) != {
                row: sorted(set(w)) for row, w in load.rejected.items()
            }:
                found.append(f"job {job['id']} rejected other rows than it should")
    return found


def _consistency(harness: CheckedHarness) -> list[str]:
    checks = (count_mismatches, attempt_mismatches, correction_mismatches)
    return [found for check in checks for found in check(harness.db)]


def _sums(harness: CheckedHarness) -> list[str]:
    """What all jobs together did to the chats, where each of them came to its end."""
    jobs = [harness.db.job(request_id) for request_id in harness.expected_loads]
    if any(job.get("status") != "completed" for job in jobs):
        return []
    got = {name: sum(job[name] for job in jobs) for name in ORDER_DEPENDENT_COUNTERS}
    want = {
        name: sum(getattr(load, name) for load in harness.expected_loads.values())
        for name in ORDER_DEPENDENT_COUNTERS
    }
    return [] if got == want else [f"the jobs together did {got} instead of {want}"]


def _events(harness: CheckedHarness) -> list[str]:
    values: dict[bytes, list[bytes]] = defaultdict(list)
    for record in read_topic(harness.bootstrap_servers, STATUS.name):
        values[record.key or b""].append(record.value or b"")
    found = []
    for (request_id,) in harness.db.fetch("select request_id from migration.jobs"):
        events = [StatusEvent.model_validate_json(value) for value in values[request_id.encode()]]
        job = harness.db.job(request_id)
        found += [f"job {job['id']}: {wrong}" for wrong in event_violations(events, job)]
    return found


def _leases(harness: CheckedHarness) -> list[str]:
    return [f"lease {name} is left" for (name,) in harness.db.fetch("select name from migration.leases")]


def _backends(harness: CheckedHarness) -> list[str]:
    """A killed client's backend notices within a moment."""
    query = """select application_name || ': ' || state from pg_stat_activity
        where datname = $1 and application_name like 'chat-migration%'"""
    left: Callable[[], list[tuple[Any, ...]]] = lambda: harness.db.fetch(query, harness.database_name)  # noqa: E731
    try:
        wait_until(lambda: not left(), 10, "the backends to end")
    except AssertionError:
        return [f"a backend is left: {name}" for (name,) in left()]
    return []


def _processes(harness: CheckedHarness) -> list[str]:
    """Replicas and children carry the folder of their harness in their environment."""
    try:
        wait_until(lambda: not _live_processes(harness), 10, "the processes to end")
    except AssertionError:
        return [f"a process is left: {process}" for process in _live_processes(harness)]
    return []


def _live_processes(harness: CheckedHarness) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(harness.tmpdir):
                found.append(f"{process.pid} {' '.join(process.cmdline())} ({process.status()})")
        except (psutil.Error, OSError):
            continue  # it ended meanwhile, or is not ours
    return found


def _files(harness: CheckedHarness) -> list[str]:
    """What a killed replica left goes when the next one starts; what one that ended left is too much."""
    with structlog.testing.capture_logs():
        ProcessTempDir.open(harness.scratch).close()
    left = [*harness.scratch.rglob("*"), *harness.tmpdir.rglob("*")]
    return [f"{path} is left" for path in left]


def _privacy(harness: CheckedHarness) -> list[str]:
    found = []
    for where, text in _texts(harness):
        found += find_leaks(where, text, harness.phones, harness.secrets)
    return found[: MAX_SHOWN * 4]


def _texts(harness: CheckedHarness) -> Iterable[tuple[str, str]]:
    for replica in harness.replicas:
        yield f"log of {replica.name}", replica.log.read_text(encoding="utf-8", errors="replace")
    for record in read_topic(harness.bootstrap_servers, STATUS.name):
        yield "event", (record.value or b"").decode(errors="replace")
        yield "headers of an event", str(record.headers)
    for record in read_topic(harness.bootstrap_servers, DEAD_LETTERS.name):
        yield "headers of a dead letter", str(record.headers)
    for request_id, code, message, detail in harness.db.fetch(
        "select request_id, error_code, error_message, detail from migration.jobs"
    ):
        yield f"job {request_id}", f"{code} {message} {detail}"


def read_status_events(bootstrap: str, request_id: str) -> list[StatusEvent]:
    """All events of a request on the status topic, in order."""
    records = read_topic(bootstrap, STATUS.name)
    mine = (record.value or b"" for record in records if record.key == request_id.encode())
    return [StatusEvent.model_validate_json(value) for value in mine]


def read_topic(bootstrap: str, topic: str) -> list[Record]:
    """All records of a topic."""
    return asyncio.run(_read_topic(KafkaConnection(bootstrap), topic))


async def _read_topic(connection: KafkaConnection, topic: str) -> list[Record]:
    async with (
        asyncio.timeout(QUIET_TIMEOUT_SECONDS),
        await Subscription.open(connection, topic) as subscription,
    ):
        return [record async for record in subscription.read_existing()]
