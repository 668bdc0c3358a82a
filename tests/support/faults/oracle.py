"""Judges a world after the faults are over: nothing lost, nothing doubled, all ended, nothing left behind.

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

from consumer.scratch import Scratch
from messaging.connection import KafkaConnection
from messaging.records import Record
from messaging.subscription import Subscription
from schemas.status import MigrationStatus
from schemas.topics import DEAD_LETTERS, STATUS
from tests.support.faults.bookkeeping import wrong_attempts, wrong_counts
from tests.support.faults.followed import wrong_with
from tests.support.faults.private import leaks
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import Load
from tests.support.rows import Rows
from tests.support.service import Service
from tests.support.wait import until

QUIET_SECONDS = 60
SHOWN = 5
COUNTERS = ("total", "processed", "failed", "duplicates")
SHARED = ("inserted", "updated", "unchanged")
"""Of several jobs over the same links, who came first inserts: only their sums are known beforehand."""
TERMINAL = ("completed", "failed", "cancelled")


class Judged(Protocol):
    """What the oracle has to know of a world."""

    rows: Rows
    replicas: list[Service]
    scratch: Path
    temporary: Path
    database: str
    directory: Directory
    expected: dict[str, Load]
    phones: set[str]
    secrets: list[str]

    @property
    def bootstrap_servers(self) -> str: ...


def judge(world: Judged, *, target: bool = True, going_on: bool = False) -> None:
    """Wait for quiet, end the replicas politely, look at everything; fails with all that was found.

    Without `target` what was imported is not compared: jobs ended before their time. Replicas that are
    `going_on` are not ended, and what they hold is theirs.
    """
    quiet(world)
    found = findings(world, target=target, going_on=going_on)
    assert not found, "\n".join(["the oracle found:", *found])


def findings(world: Judged, *, target: bool = True, sums: bool = True, going_on: bool = False) -> list[str]:
    """All that is wrong with a quiet world; its replicas are ended politely unless they are `going_on`.

    Without `sums`: what the jobs did to chats that others know as well depends on their order.
    """
    found = [] if going_on else _endings(world)
    checks = [_events, _counters, _bookkeeping, _privacy]
    checks += [] if going_on else [_leases, _backends, _processes, _files]
    for check in [*checks, *([_sums] if sums else []), *([_target] if target else [])]:
        found += check(world)
    return found


def quiet(world: Judged, seconds: float = QUIET_SECONDS) -> None:
    """Wait until every job has ended, every event was sent, and the living have taken what the dead held."""
    between = f"select count(*) from migration.jobs where status not in {TERMINAL}"
    until(lambda: world.rows.one(between) == 0, seconds, "every job to end")
    unsent = "select count(*) from migration.outbox where published_at is null"
    until(lambda: world.rows.one(unsent) == 0, seconds, "every event to be sent")
    until(lambda: not _held_by_the_dead(world), seconds, "the leases of dead replicas to be taken")


def _held_by_the_dead(world: Judged) -> list[str]:
    """Leases of replicas that are gone, while there are others to take them."""
    living = {str(replica.pid) for replica in world.replicas if replica.running}
    leases = world.rows.ask("select name, split_part(owner, ':', -2) from migration.leases")
    return [name for name, pid in leases if living and pid not in living]


def _endings(world: Judged) -> list[str]:
    alive = [replica for replica in world.replicas if replica.running]
    for replica in world.replicas:
        replica.stop()
    return [f"{one.name} ended with {one.wait()}: {one.tail()}" for one in alive if one.wait() != 0]


def _target(world: Judged) -> list[str]:
    found = []
    stored, reference = world.rows.directory(), world.directory.rows()
    for table, rows in reference.items():
        there = stored[table]
        if there != rows:
            missing, more = Counter(rows) - Counter(there), Counter(there) - Counter(rows)
            found.append(
                f"{table} has {len(there)} rows instead of {len(rows)}; missing {[*missing][:SHOWN]}, "
                f"more {[*more][:SHOWN]}"
            )
    return found


def _counters(world: Judged) -> list[str]:
    """Of completed jobs: what they report, and which rows they rejected."""
    found = []
    for request_id, load in world.expected.items():
        job = world.rows.job(request_id)
        if not job:
            found.append(f"request {request_id} has no job")
        elif job["status"] == "completed":
            got = tuple(job[name] for name in COUNTERS)
            want = tuple(getattr(load, name) for name in COUNTERS)
            if got != want:
                found.append(f"job {job['id']} reports {got} instead of {want} ({', '.join(COUNTERS)})")
            if json.loads(job["warnings"]) != dict(load.warnings):
                found.append(f"job {job['id']} reports warnings {job['warnings']} instead of {load.warnings}")
            if world.rows.rejected(request_id) != {row: sorted(set(w)) for row, w in load.rejected.items()}:
                found.append(f"job {job['id']} rejected other rows than it should")
    return found


def _bookkeeping(world: Judged) -> list[str]:
    return [*wrong_counts(world.rows), *wrong_attempts(world.rows)]


def _sums(world: Judged) -> list[str]:
    """What all jobs together did to the chats, where each of them came to its end."""
    jobs = [world.rows.job(request_id) for request_id in world.expected]
    if any(job.get("status") != "completed" for job in jobs):
        return []
    got = {name: sum(job[name] for job in jobs) for name in SHARED}
    want = {name: sum(getattr(load, name) for load in world.expected.values()) for name in SHARED}
    return [] if got == want else [f"the jobs together did {got} instead of {want}"]


def _events(world: Judged) -> list[str]:
    told: dict[bytes, list[bytes]] = defaultdict(list)
    for record in past(world.bootstrap_servers, STATUS.name):
        told[record.key or b""].append(record.value or b"")
    found = []
    for (request_id,) in world.rows.ask("select request_id from migration.jobs"):
        events = [MigrationStatus.model_validate_json(value) for value in told[request_id.encode()]]
        job = world.rows.job(request_id)
        found += [f"job {job['id']}: {wrong}" for wrong in wrong_with(events, job)]
    return found


def _leases(world: Judged) -> list[str]:
    return [f"lease {name} is left" for (name,) in world.rows.ask("select name from migration.leases")]


def _backends(world: Judged) -> list[str]:
    """A killed client's backend notices within a moment."""
    query = """select application_name || ': ' || state from pg_stat_activity
        where datname = $1 and application_name like 'chat-migration%'"""
    left: Callable[[], list[tuple[Any, ...]]] = lambda: world.rows.ask(query, world.database)  # noqa: E731
    try:
        until(lambda: not left(), 10, "the backends to end")
    except AssertionError:
        return [f"a backend is left: {name}" for (name,) in left()]
    return []


def _processes(world: Judged) -> list[str]:
    """Replicas and children carry the folder of their world in their environment."""
    try:
        until(lambda: not _alive(world), 10, "the processes to end")
    except AssertionError:
        return [f"a process is left: {process}" for process in _alive(world)]
    return []


def _alive(world: Judged) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(world.temporary):
                found.append(f"{process.pid} {' '.join(process.cmdline())} ({process.status()})")
        except (psutil.Error, OSError):
            continue  # it ended meanwhile, or is not ours
    return found


def _files(world: Judged) -> list[str]:
    """What a killed replica left goes when the next one starts; what one that ended left is too much."""
    with structlog.testing.capture_logs():
        Scratch.open(world.scratch).close()
    left = [*world.scratch.rglob("*"), *world.temporary.rglob("*")]
    return [f"{path} is left" for path in left]


def _privacy(world: Judged) -> list[str]:
    found = []
    for where, text in _texts(world):
        found += leaks(where, text, world.phones, world.secrets)
    return found[: SHOWN * 4]


def _texts(world: Judged) -> Iterable[tuple[str, str]]:
    for replica in world.replicas:
        yield f"log of {replica.name}", replica.log.read_text(encoding="utf-8", errors="replace")
    for record in past(world.bootstrap_servers, STATUS.name):
        yield "event", (record.value or b"").decode(errors="replace")
        yield "headers of an event", str(record.headers)
    for record in past(world.bootstrap_servers, DEAD_LETTERS.name):
        yield "headers of a dead letter", str(record.headers)
    for request_id, code, message, detail in world.rows.ask(
        "select request_id, error_code, error_message, detail from migration.jobs"
    ):
        yield f"job {request_id}", f"{code} {message} {detail}"


def events_of(bootstrap: str, request_id: str) -> list[MigrationStatus]:
    """Everything that lies in the status topic about a request, in order."""
    records = past(bootstrap, STATUS.name)
    mine = (record.value or b"" for record in records if record.key == request_id.encode())
    return [MigrationStatus.model_validate_json(value) for value in mine]


def past(bootstrap: str, topic: str) -> list[Record]:
    """Everything that lies in a topic."""
    return asyncio.run(_read(KafkaConnection(bootstrap), topic))


async def _read(connection: KafkaConnection, topic: str) -> list[Record]:
    async with asyncio.timeout(QUIET_SECONDS), await Subscription.open(connection, topic) as subscription:
        return [record async for record in subscription.past()]
