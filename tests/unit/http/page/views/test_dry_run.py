"""What follows on a dry run."""

from datetime import timedelta
from typing import Any

import pytest

from consumer.http.page.views.dry_run import DryRunResult, dry_run_result
from consumer.http.requests.dry_run_import import UPLOAD_RETENTION
from schemas.status import Status
from tests.support.jobs import CREATED_AT, make_job

CHECKED: dict[str, Any] = {"dry_run": True, "status": Status.COMPLETED}
UPLOADED = {"type": "excel", "file": {"upload": {"upload_id": "u"}}}


@pytest.mark.parametrize(
    "changes", [{"status": Status.RUNNING}, {"status": Status.FAILED}, {"dry_run": False}]
)
def test_only_a_completed_dry_run_has_a_result(changes: dict[str, Any]) -> None:
    assert dry_run_result(make_job(**CHECKED | changes), None) is None


@pytest.mark.parametrize(("age", "expired"), [(timedelta(), False), (UPLOAD_RETENTION, True)])
def test_upload_expires(age: timedelta, expired: bool) -> None:
    job = make_job(**CHECKED, source=UPLOADED, now=CREATED_AT + age)
    assert dry_run_result(job, None) == DryRunResult(None, expired)


def test_file_of_the_inbox_does_not_expire() -> None:
    job = make_job(**CHECKED, now=CREATED_AT + 2 * UPLOAD_RETENTION)
    assert dry_run_result(job, None) == DryRunResult(None, expired=False)
