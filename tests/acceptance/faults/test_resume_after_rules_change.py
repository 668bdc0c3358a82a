"""A job that another version of the rules began is read from the top: in the end all is as after one pass."""

from collections import Counter
from collections.abc import Callable

import pytest

from consumer.datasets.chats.dataset import rules_version
from devstack.fakedata.workbook import make_workbook
from schemas.status import Status, StatusEvent
from tests.support.harness import Harness
from tests.support.wait import wait_until

ROWS = 8_000
SMALL_BATCHES = {
    "MIGRATION_BATCH_ROWS": "500",
    "MIGRATION_LEASE_SECONDS": "3",
    "MIGRATION_HEARTBEAT_SECONDS": "1",
}
COUNTERS = ("total", "processed", "failed", "duplicates")

# As rules may have judged which rejected a row that is taken today, and took one that is rejected today.
CHANGE_RULES_VERSION = """
update migration.jobs set fingerprint = '{rules}/' || substr(fingerprint, strpos(fingerprint, '/') + 1);
delete from directory.chats where id in (select id from directory.chats order by id limit 7);
delete from migration.migration_errors
where row_number in (select row_number from migration.migration_errors order by row_number limit 3);
"""

REJECTED = """
select e.row_number, e.record_identifier, e.errors, e.record
from migration.migration_errors e join migration.jobs j on j.id = e.job_id and j.load = e.load
order by e.row_number
"""


def _import_in_one_pass(harness: Harness) -> StatusEvent:
    make_workbook(harness.inbox / "chats.xlsx", rows=ROWS, seed=61)
    service = harness.start_replica(**SMALL_BATCHES)
    event = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel("chats.xlsx"))
    service.stop()
    assert event.status is Status.COMPLETED, event.error
    return event


def _kill_owner_mid_job(harness: Harness) -> str:
    """The id of a job whose owner was killed after some batches; no replica continues it."""
    make_workbook(harness.inbox / "chats.xlsx", rows=ROWS, seed=61)
    service = harness.start_replica(**SMALL_BATCHES)
    request_id = harness.kafka.start_excel("chats.xlsx")

    def has_rejected() -> bool:
        return bool(harness.db.job(request_id)) and len(harness.db.rejected_rows(request_id)) >= 10

    wait_until(has_rejected, 60, "some batches with rejected rows")
    with harness.db.locked_table("directory.chats"):
        assert harness.db.job(request_id)["status"] == "running"
        service.kill()
    return request_id


@pytest.mark.parametrize("rules", ["1+phonenumbers-9.0.43", f"{rules_version()}.post1"])
def test_resumed_job_of_other_rules_equals_one_pass(make_harness: Callable[[], Harness], rules: str) -> None:
    one_pass, resumed = make_harness(), make_harness()
    expected = _import_in_one_pass(one_pass)
    request_id = _kill_owner_mid_job(resumed)
    job = resumed.db.job(request_id)
    assert job["fingerprint"].startswith(f"{rules_version()}/")
    assert 0 < job["checkpoint"] < ROWS
    resumed.db.execute(CHANGE_RULES_VERSION.format(rules=rules))

    service = resumed.start_replica(**SMALL_BATCHES)
    event = resumed.kafka.wait_for_terminal_event(request_id)
    service.stop()  # before the next one: replicas of one Kafka share their messages

    assert event.status is Status.COMPLETED, event.error
    assert [line["restarted"] for line in service.log_events("load.started")] == [True]
    job = resumed.db.job(request_id)
    fingerprint = job["fingerprint"]
    assert fingerprint.startswith(f"{rules_version()}/")
    assert job["pruned_before_load"] < job["load"], "the older load is not deleted yet"
    assert {name: getattr(event, name) for name in COUNTERS} == {
        name: getattr(expected, name) for name in COUNTERS
    }
    assert Counter(event.warnings) - Counter(expected.warnings) == Counter({"source_restarted": 1})
    assert Counter(expected.warnings) - Counter(event.warnings) == Counter()
    assert resumed.db.directory_tables() == one_pass.db.directory_tables()
    assert resumed.db.fetch(REJECTED) == one_pass.db.fetch(REJECTED)
