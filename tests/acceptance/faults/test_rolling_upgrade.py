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

from messaging.records import ProducerRecord
from schemas.topics import STATUS
from tests.support.faults.fault_harness import BATCH_ROWS, LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.wait import wait_until

REVISIONS = "select version_num from migration.alembic_version order by 1"
NEWER_SCHEMA = """
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
update migration.alembic_version set version_num = 'migration_9999' where version_num like 'migration%';
"""
"""A migration as they are made here: it adds, and takes nothing that the version before needs."""
FUTURE_MESSAGES: dict[str, dict[str, Any]] = {
    "version 2": {"schema_version": 2},
    "an unknown action": {"action": "reschedule"},
    "an unknown source": {"source": {"type": "ftp", "url": "ftp://h/x"}},
    "an unknown option": {"options": {"priority": 5}},
}


def test_old_and_new_replicas_work_during_migration(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, one_batch_workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    old = harness.start_replica("batch.committed=hang@2", **LONG_LEASES)
    rolled = harness.request_import(workbook)
    wait_until(lambda: (harness.job(rolled).get("checkpoint") or 0) >= 2 * BATCH_ROWS, 60, "the job's middle")
    with migrate_concurrently(harness):
        harness.db.execute(NEWER_SCHEMA)
    accepted_by_old = harness.request_import(one_batch_workbook)
    harness.wait_for_status(accepted_by_old, "completed")

    new = harness.start_replica(**LONG_LEASES)
    with migrate_concurrently(harness):
        old.stop()
        again = harness.launch(**LONG_LEASES)
    assert old.wait() == 0
    request_ids = [accepted_by_old, *(harness.request_import(one_batch_workbook) for _ in range(2))]
    again.wait_until_ready()
    for request_id in [rolled, *request_ids]:
        assert harness.wait_for_status(request_id, "completed")["attempt"] == 1
    assert [revision for (revision,) in harness.db.fetch(REVISIONS)] == ["directory_0001", "migration_9999"]
    assert not [line for replica in (old, new, again) for line in replica.log_events("task.crashed")]
    assert_invariants(harness)


@contextmanager
def migrate_concurrently(harness: FaultHarness) -> Iterator[None]:
    """Have somebody else run `migrate` meanwhile, as deployments do."""
    environment = os.environ | harness.environment()
    with subprocess.Popen([sys.executable, "-m", "consumer", "migrate"], env=environment) as migrate:
        yield
        assert migrate.wait(60) == 0


def test_older_schema_is_rejected_at_startup(fault_harness: FaultHarness) -> None:
    harness = fault_harness
    harness.db.execute("delete from migration.alembic_version where version_num = 'migration_0004'")
    refused = harness.launch()
    assert refused.wait(60) == 2
    assert "(migration_0004 missing): run `migration-consumer migrate` first" in refused.log_tail()
    assert_invariants(harness)


def test_schema_of_version_0_1_is_rejected(fault_harness: FaultHarness) -> None:
    harness = fault_harness
    harness.db.execute("create table migration.revisions (version_num varchar(32) primary key)")
    harness.db.execute("insert into migration.revisions values ('service_0010'), ('chats_0001')")
    refused = harness.launch()
    assert refused.wait(60) == 2
    assert "has the schema of version 0.1, which version 0.2 does not upgrade" in refused.log_tail()
    migrate = subprocess.run(
        [sys.executable, "-m", "consumer", "migrate"],
        env=os.environ | harness.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert migrate.returncode == 2
    assert "has the schema of version 0.1, which version 0.2 does not upgrade" in migrate.stderr


def test_messages_of_newer_version_become_dead_letters(
    fault_harness: FaultHarness, one_batch_workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    service = harness.start_replica(**LONG_LEASES)
    key = str(uuid.uuid4())
    source = {"type": "excel", "file": {"path": one_batch_workbook.path.name}}
    for more in FUTURE_MESSAGES.values():
        body = {"action": "start", "dataset": "chats", "source": source, "request_id": key} | more
        harness.kafka.publish(body, key=key)
    good = harness.request_import(one_batch_workbook)
    harness.wait_for_status(good, "completed")
    wait_until(
        lambda: len(harness.dead_letter_reasons(key)) == len(FUTURE_MESSAGES),
        30,
        "all of them to be put aside",
    )
    assert set(harness.dead_letter_reasons(key)) == {"invalid_request"}
    assert not harness.job(key)
    assert not service.log_events("task.crashed")
    assert follow_with_cli(harness, good) == follow_with_cli(harness, publish_as_newer_service(harness, good))
    assert_invariants(harness)


def publish_as_newer_service(harness: FaultHarness, request_id: str) -> str:
    """Publish the events of a job once more under another id, as a service that says more would say them."""
    other = str(uuid.uuid4())
    more: dict[str, Any] = {
        "priority": 5,
        "owner": {"zone": "b"},
        "observed": [datetime.now(UTC).isoformat()],
    }
    events = [
        event.model_dump(mode="json") | {"request_id": other} | more for event in harness.events(request_id)
    ]
    harness.kafka.send(
        [ProducerRecord(STATUS.name, other.encode(), json.dumps(event).encode()) for event in events]
    )
    return other


def follow_with_cli(harness: FaultHarness, request_id: str) -> tuple[int, list[str]]:
    """How the command line ends when it follows a job, and the states it tells."""
    [service] = harness.replicas
    done = subprocess.run(
        [sys.executable, "-m", "producer_cli", "watch", request_id, "--json"],
        env=os.environ | harness.cli_environment(service),
        capture_output=True,
        timeout=60,
        check=False,
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, [event["status"] for event in events]
