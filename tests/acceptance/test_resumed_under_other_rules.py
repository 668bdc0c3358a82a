"""A job that another version of the rules began is read from the top: in the end all is as after one pass."""

from collections import Counter
from collections.abc import Callable

import pytest

from benchmarks.workbook import make_workbook
from consumer.datasets.chats.rules_version import rules_version
from consumer.store.jobs import OLDER_LOADS_MARK
from schemas.status import MigrationStatus, Status
from tests.acceptance.conftest import World
from tests.support.wait import until

ROWS = 8_000
SMALL_BATCHES = {
    "MIGRATION_BATCH_ROWS": "500",
    "MIGRATION_LEASE_SECONDS": "3",
    "MIGRATION_HEARTBEAT_SECONDS": "1",
}
COUNTERS = ("total", "processed", "failed", "duplicates")

# As rules may have judged which rejected a row that is taken today, and took one that is rejected today.
OTHER_RULES = """
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


def _one_pass(world: World) -> MigrationStatus:
    make_workbook(world.inbox / "chats.xlsx", rows=ROWS, seed=61)
    service = world.replica(**SMALL_BATCHES)
    event = world.line.ended(world.line.start_excel("chats.xlsx"))
    service.stop()
    assert event.status is Status.COMPLETED, event.error
    return event


def _killed_in_the_middle(world: World) -> str:
    """The id of a job whose owner was killed when some batches were stored; nobody goes on with it."""
    make_workbook(world.inbox / "chats.xlsx", rows=ROWS, seed=61)
    service = world.replica(**SMALL_BATCHES)
    asked = world.line.start_excel("chats.xlsx")

    def has_rejected() -> bool:
        return bool(world.rows.job(asked)) and len(world.rows.rejected(asked)) >= 10

    until(has_rejected, 60, "some batches with rejected rows")
    with world.rows.held("directory.chats"):
        assert world.rows.job(asked)["status"] == "running"
        service.kill()
    return asked


@pytest.mark.parametrize("rules", ["1+phonenumbers-9.0.43", f"{rules_version()}.post1"])
def test_a_job_of_other_rules_ends_like_one_pass_under_these(
    make_world: Callable[[], World], rules: str
) -> None:
    whole, resumed = make_world(), make_world()
    expected = _one_pass(whole)
    asked = _killed_in_the_middle(resumed)
    job = resumed.rows.job(asked)
    assert job["fingerprint"].startswith(f"{rules_version()}/")
    assert 0 < job["checkpoint"] < ROWS
    resumed.rows.run(OTHER_RULES.format(rules=rules))

    service = resumed.replica(**SMALL_BATCHES)
    event = resumed.line.ended(asked)
    service.stop()  # before the next one: replicas of one Kafka share their messages

    assert event.status is Status.COMPLETED, event.error
    assert [line["restarted"] for line in service.logged("load.began")] == [True]
    fingerprint = resumed.rows.job(asked)["fingerprint"]
    assert fingerprint.startswith(f"{OLDER_LOADS_MARK}{rules_version()}/"), (
        "the older load is not deleted yet"
    )
    assert {name: getattr(event, name) for name in COUNTERS} == {
        name: getattr(expected, name) for name in COUNTERS
    }
    assert Counter(event.warnings) - Counter(expected.warnings) == Counter({"source_restarted": 1})
    assert Counter(expected.warnings) - Counter(event.warnings) == Counter()
    assert resumed.rows.directory() == whole.rows.directory()
    assert resumed.rows.ask(REJECTED) == whole.rows.ask(REJECTED)
