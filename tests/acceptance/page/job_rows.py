"""Jobs that are written to the database as rows: states that take long or are rare in a running service."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.harness import Harness

INSERT = """
with job as (
  insert into migration.jobs ({columns})
  select {columns} from jsonb_populate_record(null::migration.jobs, $1::jsonb) returning id, token)
insert into migration.leases (name, owner, token, expires_at)
select 'job:' || id, 'a replica of the test', token, clock_timestamp() + interval '1 hour' from job
where token is not null
"""
INSERT_MARKED = """
insert into migration.migration_errors
  (job_id, load, row_number, record_identifier, errors, record, corrected_by, dismissed_by, dismissed_at)
select p.id, p.load, n, 'https://max.ru/join/' || n, '[{"field": "inn", "code": "inn", "message": "wrong"}]',
  '{"inn": "7"}', case n when 2 then c.id end, case n when 3 then 'ivanova' end, case n when 3 then now() end
from migration.jobs p, migration.jobs c, generate_series(2, 4) n where p.request_id = $1 and c.request_id = $2
"""
UPDATE = """
update migration.jobs set processed = processed + $2, inserted = inserted + $2, sequence = sequence + 1,
  updated_at = clock_timestamp() where request_id = $1 returning processed
"""
STARTED = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
RUNNING = {"status": "running", "attempt": 1, "started_at": STARTED, "attempt_started_at": STARTED}
COUNTED = {"total": 155_000, "processed": 90_000, "inserted": 70_000, "updated": 20_000, "failed": 10_000}
ALL_COUNTED = COUNTED | {"total": 100_000}
"""Of a completed job."""
ENDED = {"started_at": STARTED, "completed_at": STARTED}
FAIL = """
update migration.jobs set status = 'failed', token = null, error_code = 'timeout', error_message = 'too long',
  completed_at = clock_timestamp(), updated_at = clock_timestamp(), sequence = sequence + 1
where request_id = $1 returning id
"""


def insert_job(harness: Harness, **columns: Any) -> str:
    """Insert a job that no replica takes, with a lease where it runs, and return its request id."""
    request_id = columns.setdefault("request_id", f"row-{uuid.uuid4()}")
    if columns.get("status") == "running":
        columns["token"] = harness.db.fetchval("select nextval('migration.fencing_token_seq')")
    values = {
        "request_digest": "none",
        "dataset": "chats",
        "source_type": "excel",
        "source_identifier": "chats.xlsx",
        "source": {"type": "excel", "file": {"path": "chats.xlsx"}},
        "timeout_seconds": 10**9,
        "max_attempts": 3,
        "created_at": STARTED,
        "updated_at": STARTED,
        "available_at": "2100-01-01T00:00:00+00:00",
        **columns,
    }
    harness.db.fetch(INSERT.format(columns=", ".join(values)), json.dumps(values))
    return str(request_id)


def insert_marked_rows(harness: Harness, parent: str, correction: str) -> None:
    """Insert rejected rows of a job: one that the correction stored, one that is dismissed, one open."""
    harness.db.fetch(INSERT_MARKED, parent, correction)


def insert_running_job(harness: Harness, **columns: Any) -> str:
    """Insert a job in its middle."""
    return insert_job(harness, **RUNNING | COUNTED | columns)


def advance(harness: Harness, request_id: str, rows: int = 1) -> int:
    """Count more inserted rows; returns how many are processed."""
    return int(harness.db.fetchval(UPDATE, request_id, rows))


def fail(harness: Harness, request_id: str) -> None:
    """End the job as its owner would."""
    harness.db.fetchval(FAIL, request_id)


def delete_jobs(harness: Harness) -> None:
    """Delete the jobs that were inserted, with their leases."""
    harness.db.execute(
        "delete from migration.leases where owner = 'a replica of the test';"
        "delete from migration.migration_errors where job_id in "
        "(select id from migration.jobs where request_digest = 'none');"
        "delete from migration.jobs where request_digest = 'none'"
    )
