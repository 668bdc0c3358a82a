"""What is computed from the row of a job."""

from datetime import timedelta

import pytest

from schemas.status import Status
from tests.support.jobs import CREATED_AT, make_job


@pytest.mark.parametrize(
    ("seconds", "rate", "left"),
    [(2, 5.0, 18.0), (3_600, 0.0, None), (0, None, None)],
    ids=["usual", "a rate that rounds to nothing", "no time has passed"],
)
def test_rate_and_time_left(seconds: int, rate: float | None, left: float | None) -> None:
    now = CREATED_AT + timedelta(seconds=seconds)
    job = make_job(
        status=Status.RUNNING, attempt_started_at=CREATED_AT, total=100, processed=10, inserted=10, now=now
    )
    assert (job.rows_per_second, job.eta_seconds) == (rate, left)
