"""I21: two versions share one database, and what a newer one says does no harm to an older one."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from messaging.records import Outgoing
from schemas.topics import STATUS
from tests.acceptance.faults.conftest import BATCH_ROWS, CALM, FaultWorld
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge
from tests.support.wait import until

REVISIONS = "select version_num from migration.revisions order by 1"
NEWER = """
alter table migration.jobs add column priority integer not null default 0;
alter table migration.leases add column zone text;
alter table migration.commands add column note text;
alter table migration.outbox add column lane smallint not null default 0;
alter table migration.migration_errors add column severity text not null default 'error';
alter table directory.universities add column website text;
alter table directory.groups add column closed_on date;
alter table directory.chats add column language text;
create table migration.schedules (id bigint generated always as identity primary key, cron text not null);
create index on migration.jobs (priority) where status = 'pending';
update migration.revisions set version_num = 'service_9999' where version_num like 'service%';
"""
"""A migration as they are made here: it adds, and takes nothing that the version before needs."""
FUTURE: dict[str, dict[str, Any]] = {
    "version 2": {"schema_version": 2},
    "an unknown action": {"action": "reschedule"},
    "an unknown source": {"source": {"type": "ftp", "url": "ftp://h/x"}},
    "an unknown option": {"options": {"priority": 5}},
}


def test_old_and_new_replicas_work_side_by_side_while_others_migrate(
    fault_world: FaultWorld, book: Book, small_book: Book
) -> None:
    world = fault_world
    old = world.replica("batch.committed=hang@2", **CALM)
    rolled = world.ask(book)
    until(lambda: (world.job(rolled).get("checkpoint") or 0) >= 2 * BATCH_ROWS, 60, "the job's middle")
    with migrating(world):
        world.rows.run(NEWER)
    by_the_old = world.ask(small_book)
    world.until_status(by_the_old, "completed")

    new = world.replica(**CALM)
    with migrating(world):
        old.stop()
        again = world.launch(**CALM)
    assert old.wait() == 0
    asked = [by_the_old, *(world.ask(small_book) for _ in range(2))]
    again.until_ready()
    for request_id in [rolled, *asked]:
        assert world.until_status(request_id, "completed")["attempt"] == 1
    assert [one for (one,) in world.rows.ask(REVISIONS)] == ["chats_0001", "service_9999"]
    assert not [line for replica in (old, new, again) for line in replica.logged("task.died")]
    judge(world)


@contextmanager
def migrating(world: FaultWorld) -> Iterator[None]:
    """Have somebody else run `migrate` meanwhile, as deployments do."""
    environment = os.environ | world.environment()
    with subprocess.Popen([sys.executable, "-m", "consumer", "migrate"], env=environment) as migrate:
        yield
        assert migrate.wait(60) == 0


def test_a_replica_refuses_an_older_schema_with_a_sentence(fault_world: FaultWorld) -> None:
    world = fault_world
    world.rows.run("delete from migration.revisions where version_num = 'service_0010'")
    refused = world.launch()
    assert refused.wait(60) == 2
    assert "(service_0010 missing): run `migration-consumer migrate` first" in refused.tail()
    judge(world)


def test_what_a_newer_sender_asks_is_put_aside_and_the_line_goes_on(
    fault_world: FaultWorld, small_book: Book
) -> None:
    world = fault_world
    service = world.replica(**CALM)
    key = str(uuid.uuid4())
    source = {"type": "excel", "file": {"path": small_book.path.name}}
    for more in FUTURE.values():
        body = {"action": "start", "dataset": "chats", "source": source, "request_id": key} | more
        world.line.publish(body, key=key)
    good = world.ask(small_book)
    world.until_status(good, "completed")
    until(lambda: len(world.dead_letters(key)) == len(FUTURE), 30, "all of them to be put aside")
    assert set(world.dead_letters(key)) == {"invalid_request"}
    assert not world.job(key)
    assert not service.logged("task.died")
    assert told(world, good) == told(world, said_by_a_newer_service(world, good))
    judge(world)


def said_by_a_newer_service(world: FaultWorld, request_id: str) -> str:
    """Publish the events of a job once more under another id, as a service that says more would say them."""
    other = str(uuid.uuid4())
    more: dict[str, Any] = {
        "priority": 5,
        "owner": {"zone": "b"},
        "observed": [datetime.now(UTC).isoformat()],
    }
    events = [
        event.model_dump(mode="json") | {"request_id": other} | more for event in world.events(request_id)
    ]
    world.line.send([Outgoing(STATUS.name, other.encode(), json.dumps(event).encode()) for event in events])
    return other


def told(world: FaultWorld, request_id: str) -> tuple[int, list[str]]:
    """How the command line ends when it follows a job, and the states it tells."""
    [service] = world.replicas
    done = subprocess.run(
        [sys.executable, "-m", "producer_cli", "watch", request_id, "--json"],
        env=os.environ | world.cli_environment(service),
        capture_output=True,
        timeout=60,
        check=False,
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, [event["status"] for event in events]
