"""A short soak: half a minute of a fixed seed. `make soak` runs longer ones, of any."""

from pathlib import Path

from tests.soak import plan
from tests.soak.log import SoakLog
from tests.soak.run import run_soak

SEED, SECONDS, ROW_SHARE = 14, 25, 0.4


def test_short_soak_has_no_findings(
    tmp_path: Path,
) -> None:
    log = SoakLog(print)
    run_soak(plan.make_plan(SEED, SECONDS), tmp_path / "soak", log, ROW_SHARE)
    assert log.findings == []
    assert sum(log.faults.values()) >= 5, "hardly anything broke"
    assert log.job_statuses["completed"] >= 5
