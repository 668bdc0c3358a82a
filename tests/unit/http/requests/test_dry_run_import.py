"""The request that imports what a dry run checked."""

from datetime import timedelta
from typing import Any

import pytest

from consumer.http.problem import ProblemError
from consumer.http.requests.dry_run_import import UPLOAD_RETENTION, import_request, require_upload_kept
from consumer.store.jobs import Job
from schemas import examples
from schemas.requests import StartRequest
from schemas.status import Phase, Status
from tests.support.jobs import CREATED_AT, make_pending_job

UPLOADED = {**examples.START_UPLOADED, "options": {"dry_run": True, "timeout_seconds": 60}}


def make_dry_run(body: dict[str, Any] = UPLOADED, **changes: Any) -> Job:
    """A completed dry run, apart from `changes`."""
    ended = {"dry_run": True, "phase": Phase.CHECK, "status": Status.COMPLETED}
    return make_pending_job(StartRequest.model_validate(body), **ended | changes)


def test_import_has_the_source_and_options_of_the_dry_run() -> None:
    request = import_request(make_dry_run())
    assert request.request_id == "r-1-import"
    assert request.source == StartRequest.model_validate(UPLOADED).source
    assert (request.options.dry_run, request.options.timeout_seconds) == (False, 60)
    assert request.needs == ()


def test_import_has_the_limit_that_the_last_retry_set() -> None:
    job = make_dry_run({**UPLOADED, "options": {"dry_run": True, "max_rejected": 5}}, max_rejected="20%")
    assert import_request(job).options.max_rejected == "20%"
    assert import_request(make_dry_run(max_rejected="7")).options.max_rejected == 7


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dry_run": False}, "it is not a dry run"),
        ({"status": Status.RUNNING}, "its dry run is running"),
        ({"status": Status.FAILED}, "its dry run is failed"),
        ({"request_id": "x" * 194}, "its request id is too long"),
    ],
)
def test_job_that_cannot_be_imported_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ProblemError) as caught:
        import_request(make_dry_run(**changes))
    assert (caught.value.status, caught.value.problem.code) == (409, "import_refused")
    assert reason in caught.value.problem.detail


def test_longest_request_id_can_be_imported() -> None:
    assert len(import_request(make_dry_run(request_id="x" * 193)).request_id or "") == 200


def test_only_an_old_upload_is_refused() -> None:
    expired = CREATED_AT + UPLOAD_RETENTION
    require_upload_kept(make_dry_run(now=expired - timedelta(seconds=1)))
    require_upload_kept(make_dry_run(examples.START_DRY_RUN, now=expired))
    require_upload_kept(make_dry_run(examples.START, now=expired))
    with pytest.raises(ProblemError) as caught:
        require_upload_kept(make_dry_run(now=expired))
    assert (caught.value.status, caught.value.problem.code) == (410, "upload_expired")
