"""What corrections did with rejected rows, and when the page takes a corrected file."""

import pytest

from consumer.http.page.views.corrections import can_be_corrected, state_facets
from schemas.status import Phase, Status
from tests.support.jobs import make_job


@pytest.mark.parametrize(
    ("status", "failed", "phase", "expected"),
    [
        (Status.COMPLETED, 1, Phase.LOAD, True),
        (Status.FAILED, 1, Phase.LOAD, True),
        (Status.CANCELLED, 1, Phase.LOAD, True),
        (Status.RUNNING, 1, Phase.LOAD, False),
        (Status.PENDING, 1, Phase.LOAD, False),
        (Status.COMPLETED, 0, Phase.LOAD, False),
        (Status.COMPLETED, 1, Phase.CHECK, False),
        (Status.FAILED, 1, Phase.CHECK, False),
    ],
)
def test_file_is_taken_for_rows_that_a_load_rejected(
    status: Status, failed: int, phase: Phase, expected: bool
) -> None:
    assert can_be_corrected(make_job(status=status, failed=failed, phase=phase)) is expected


def test_states_are_counted_once_a_row_is_corrected_or_dismissed() -> None:
    corrected = make_job(failed=10, rows_corrected=3, rows_dismissed=2)
    assert [(f.value, f.rows) for f in state_facets(corrected)] == [
        ("open", 5), ("corrected", 3), ("dismissed", 2)]  # fmt: skip
    assert [f.rows for f in state_facets(make_job(failed=1, rows_dismissed=1))] == [0, 0, 1]
    assert state_facets(make_job(failed=10)) == []


def test_rows_of_a_correction_have_no_states() -> None:
    assert state_facets(make_job(corrects={"request_id": "r"}, failed=3)) == []
