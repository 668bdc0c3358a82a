"""Every source can be checked before its import, and then be loaded as it was checked."""

from devstack.fake_sheets.server import FakeSheetsServer
from schemas.status import Phase, Status
from tests.support.harness import Harness
from tests.support.three_sources import make_sources


def test_dry_run_of_every_source_has_the_counts_of_its_import(
    harness: Harness, fake_sheets: FakeSheetsServer
) -> None:
    with make_sources(harness, fake_sheets, 2_000) as sources:
        harness.start_replica(**sources.settings, MIGRATION_BATCH_ROWS="500")
        for kind, spec in sources.specs.items():
            request_id = harness.kafka.start(spec, options={"dry_run": True})
            dry = harness.kafka.wait_for_terminal_event(request_id)
            counts = dry.total, dry.processed, dry.failed, dry.duplicates
            wanted = sources.expected[kind]
            assert counts == (wanted.total, wanted.processed, wanted.failed, wanted.duplicates), kind
        assert not any(harness.db.directory_tables().values())
        for kind, spec in sources.specs.items():
            request_id = harness.kafka.start(spec, options={"all_or_nothing": True, "max_rejected": "50%"})
            loaded = harness.kafka.wait_for_terminal_event(request_id)
            assert (loaded.status, loaded.phase) == (Status.COMPLETED, Phase.LOAD), (kind, loaded.error)
            assert (loaded.inserted, loaded.failed) == (
                sources.expected[kind].inserted,
                sources.expected[kind].failed,
            ), kind
