"""What is computed from the row of a job."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from consumer.passes import Pass
from consumer.reject_limit import RejectLimit
from schemas.status import Phase, Status
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


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({}, RejectLimit()),
        ({"max_rejected": "500"}, RejectLimit(rows=500)),
        ({"all_or_nothing": True}, RejectLimit(rows=0)),
        ({"all_or_nothing": True, "max_rejected": "2%"}, RejectLimit(percent=Decimal(2))),
    ],
)
def test_job_without_a_limit_allows_any_rejected_row_unless_it_stores_all_or_none(
    changes: dict[str, Any], limit: RejectLimit
) -> None:
    assert make_job(**changes).reject_limit == limit


def test_dry_run_is_followed_by_no_load() -> None:
    job = make_job(dry_run=True, all_or_nothing=True, phase=Phase.CHECK, checked_fingerprint="f")
    assert job.current_pass == Pass(Phase.CHECK)
