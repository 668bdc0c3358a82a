"""A replica killed in the middle of a workbook, a database and a spreadsheet: another continues all three."""

from consumer.runtime import failpoints
from devstack.fake_sheets.server import FakeSheetsServer
from tests.support.harness import Harness
from tests.support.three_sources import assert_exact, make_sources
from tests.support.wait import wait_until

SMALL_BATCHES = {"MIGRATION_BATCH_ROWS": "200", "MIGRATION_MAX_RUNNING_JOBS": "3"}


def test_takeover_resumes_all_three_sources_from_checkpoints(
    harness: Harness, fake_sheets: FakeSheetsServer
) -> None:
    with make_sources(harness, fake_sheets, 12_000) as sources:
        # From the fourth batch of all on, each of them is the last one its job stores.
        held = failpoints.environment("batch.committed=hang@4+")
        first = harness.start_replica(**sources.settings, **SMALL_BATCHES, **held)
        requests = sources.start(harness)

        def in_the_middle() -> bool:
            jobs = [harness.db.job(request_id) for request_id in requests.values()]
            return all(job.get("checkpoint") is not None for job in jobs)

        wait_until(in_the_middle, 60, "all three to be in their middle")
        first.kill()
        jobs = [harness.db.job(request_id) for request_id in requests.values()]
        assert {job["status"] for job in jobs} == {"running"}
        until_checkpoints = {job["id"]: job["checkpoint"] for job in jobs}

        second = harness.start_replica(**sources.settings, **SMALL_BATCHES)
        for kind, request_id in requests.items():
            event = harness.kafka.wait_for_terminal_event(request_id)
            assert_exact(event, sources.expected[kind])
            assert event.attempt == 2
        resumed = {line["job_id"]: line["checkpoint"] for line in second.log_events("load.resumed")}
        assert resumed.keys() == until_checkpoints.keys()
        assert resumed == until_checkpoints
        began_again = [line["checkpoint"] for line in second.log_events("job.claimed")]
        assert len(began_again) == 3
        assert None not in began_again
