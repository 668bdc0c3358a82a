"""Which commands the page offers, and when it stops showing that one was asked for."""

from datetime import UTC, datetime

import pytest

from consumer.http.auth.authenticator import Caller
from consumer.http.auth.tokens import Right
from consumer.http.page.views.actions import (
    AskedCommand,
    allowed_actions,
    needs_another_file,
    needs_another_limit,
)
from schemas.status import Status
from tests.support.jobs import make_job

OPERATOR = Caller("ivanova", frozenset({Right.READ, Right.ACT}))
READER = Caller("petrov", frozenset({Right.READ}))
NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "cancel_requested", "actions"),
    [
        (Status.PENDING, False, ("cancel",)),
        (Status.RUNNING, False, ("cancel",)),
        (Status.RUNNING, True, ()),
        (Status.COMPLETED, False, ()),
        (Status.FAILED, False, ("retry",)),
        (Status.CANCELLED, False, ("retry",)),
    ],
)
def test_actions_by_status(status: Status, cancel_requested: bool, actions: tuple[str, ...]) -> None:
    job = make_job(status=status, cancel_requested=cancel_requested)
    assert allowed_actions(job, OPERATOR) == actions
    assert allowed_actions(job, READER) == ()


UPLOAD = {"type": "excel", "file": {"upload": {"name": "a.xlsx", "size": 5, "sha256": "0" * 64}}}
INBOX = {"type": "excel", "file": {"path": "a.xlsx"}}


@pytest.mark.parametrize(
    ("source", "status", "code", "needed"),
    [
        (UPLOAD, Status.FAILED, "not_a_workbook", True),
        (UPLOAD, Status.FAILED, "timeout", False),
        (UPLOAD, Status.CANCELLED, None, False),
        (UPLOAD, Status.PENDING, "workbook_damaged", False),
        (INBOX, Status.FAILED, "not_a_workbook", False),
    ],
)
def test_upload_that_cannot_be_imported_needs_another_file(
    source: dict[str, object], status: Status, code: str | None, needed: bool
) -> None:
    job = make_job(source=source, status=status, error_code=code, error_message=code and "wrong")
    assert needs_another_file(job) is needed


@pytest.mark.parametrize(
    ("status", "code", "needed"),
    [
        (Status.FAILED, "too_many_rejects", True),
        (Status.FAILED, "timeout", False),
        (Status.PENDING, "too_many_rejects", False),
    ],
)
def test_job_that_passed_its_limit_needs_another_one(status: Status, code: str, needed: bool) -> None:
    job = make_job(status=status, error_code=code, error_message="wrong")
    assert needs_another_limit(job) is needed


@pytest.mark.parametrize(
    ("status", "run", "pending"),
    [
        (Status.RUNNING, 1, True),
        (Status.CANCELLED, 1, False),
        (Status.COMPLETED, 1, False),
        (Status.RUNNING, 2, False),
    ],
)
def test_cancel_is_pending_until_its_run_ends(status: Status, run: int, pending: bool) -> None:
    assert AskedCommand("cancel", NOW, 1).is_pending(make_job(status=status, run=run)) is pending


@pytest.mark.parametrize(("run", "pending"), [(1, True), (2, False)])
def test_retry_is_pending_until_the_next_run(run: int, pending: bool) -> None:
    assert AskedCommand("retry", NOW, 1).is_pending(make_job(status=Status.FAILED, run=run)) is pending
