"""What the next reading of a source does with the rows, for every state of a job."""

import pytest

from consumer.passes import Pass, current_pass
from schemas.status import Phase

CHECK, LOAD = Phase.CHECK, Phase.LOAD


@pytest.mark.parametrize("phase", Phase)
def test_job_that_does_not_check_first_stays_in_its_phase(phase: Phase) -> None:
    assert current_pass(phase, checks_first=False, checked_fingerprint=None) == Pass(phase)


@pytest.mark.parametrize(
    ("phase", "checked", "expected"),
    [
        pytest.param(CHECK, None, Pass(CHECK), id="the check begins, or continues after a crash"),
        pytest.param(CHECK, "f", Pass(LOAD, True, "f"), id="the check passed, and no row is loaded"),
        pytest.param(LOAD, "f", Pass(LOAD, False, "f"), id="the load continues after a crash"),
        pytest.param(LOAD, None, Pass(CHECK, True), id="the source changed during the load"),
    ],
)
def test_all_or_nothing_checks_first_and_loads_what_was_checked(
    phase: Phase, checked: str | None, expected: Pass
) -> None:
    assert current_pass(phase, checks_first=True, checked_fingerprint=checked) == expected
