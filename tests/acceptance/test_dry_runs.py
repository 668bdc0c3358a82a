"""Looking before an import: dry runs, limits of rejected rows, and all rows or none."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from devstack.fakedata.expected import ExpectedImport
from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from schemas.status import Phase, Status, StatusEvent
from tests.support.harness import Harness

ROWS = 3_000
BATCH_ROWS = 500


@pytest.fixture(scope="module")
def service(harness: Harness) -> ServiceProcess:
    return harness.start_replica(MIGRATION_BATCH_ROWS=str(BATCH_ROWS))


@pytest.fixture(scope="module")
def expected(harness: Harness) -> ExpectedImport:
    """What an import of `chats.xlsx` in the inbox reports."""
    return make_workbook(harness.inbox / "chats.xlsx", rows=ROWS, seed=71, invalid_share=0.07)


@pytest.fixture(autouse=True)
def empty_directory(harness: Harness) -> None:
    harness.db.fetch("truncate directory.universities cascade")


@pytest.fixture
def client(service: ServiceProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=30, trust_env=False) as client:
        yield client


def run_job(harness: Harness, path: str = "chats.xlsx", **options: Any) -> StatusEvent:
    """The terminal event of a job with these options."""
    return harness.kafka.wait_for_terminal_event(harness.kafka.start_excel(path, options=options))


def test_dry_run_has_the_counts_of_the_import_and_stores_nothing(
    harness: Harness, service: ServiceProcess, expected: ExpectedImport
) -> None:
    dry = run_job(harness, dry_run=True)
    assert (dry.status, dry.dry_run, dry.phase) == (Status.COMPLETED, True, Phase.CHECK)
    assert not any(harness.db.directory_tables().values())
    real = run_job(harness)
    assert (real.dry_run, real.phase, real.inserted) == (False, Phase.LOAD, expected.inserted)
    for name in ("total", "processed", "failed", "duplicates", "warnings"):
        assert getattr(dry, name) == getattr(real, name) == getattr(expected, name), name
    assert (dry.inserted, dry.updated, dry.unchanged) == (0, 0, 0)
    rejected = harness.db.rejected_rows(dry.request_id)
    assert rejected == harness.db.rejected_rows(real.request_id)
    assert rejected == {row.row: list(row.fields) for row in expected.rejected}


def test_upload_that_was_checked_is_imported_without_sending_it_again(
    harness: Harness, client: httpx.Client, expected: ExpectedImport
) -> None:
    request_id = f"dry-{uuid.uuid4()}"
    with (harness.inbox / "chats.xlsx").open("rb") as file:
        form = {"request_id": request_id, "dry_run": "true", "max_rejected": "50%", "timeout_seconds": "900"}
        started = client.post("/migration/excel", data=form, files={"file": file})
    assert (started.status_code, started.json()["dry_run"]) == (202, True)
    assert harness.kafka.wait_for_terminal_event(request_id).processed == expected.processed
    answer = client.post(f"/migration/jobs/{request_id}/import", json={"requested_by": "petrov"})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["request_id"], job["dry_run"], job["requested_by"]) == (
        f"{request_id}-import",
        False,
        "petrov",
    )
    real = harness.kafka.wait_for_terminal_event(f"{request_id}-import")
    assert (real.status, real.inserted, real.failed) == (Status.COMPLETED, expected.inserted, expected.failed)
    row = harness.db.job(f"{request_id}-import")
    assert (row["timeout_seconds"], row["max_rejected"], row["dry_run"]) == (900, "50%", False)
    again = client.post(f"/migration/jobs/{request_id}/import")
    assert (again.status_code, again.json()["id"]) == (200, row["id"])


def test_import_is_refused_where_there_is_nothing_to_import(
    harness: Harness, client: httpx.Client, expected: ExpectedImport
) -> None:
    real = run_job(harness)
    refused = client.post(f"/migration/jobs/{real.request_id}/import")
    assert (refused.status_code, refused.json()["code"]) == (409, "import_refused")
    assert "is not a dry run" in refused.json()["detail"]
    failed = run_job(harness, dry_run=True, max_rejected=0)
    assert (
        "its dry run is failed" in client.post(f"/migration/jobs/{failed.request_id}/import").json()["detail"]
    )


def test_import_of_an_upload_that_is_no_longer_kept_says_so(
    harness: Harness, client: httpx.Client, expected: ExpectedImport
) -> None:
    with (harness.inbox / "chats.xlsx").open("rb") as file:
        started = client.post("/migration/excel", data={"dry_run": "on"}, files={"file": file}).json()
    harness.kafka.wait_for_terminal_event(started["request_id"])
    harness.db.fetch(
        "update migration.jobs set created_at = now() - interval '8 days' where id = $1", started["id"]
    )
    answer = client.post(f"/migration/jobs/{started['id']}/import")
    assert (answer.status_code, answer.json()["code"]) == (410, "upload_expired")
    assert "more than 7 days ago" in answer.json()["detail"]
    assert not harness.db.job(f"{started['request_id']}-import")


@pytest.mark.parametrize("limit", [40, "2%"])
def test_job_over_its_limit_keeps_its_rejected_rows_and_goes_on_after_a_retry(
    harness: Harness, client: httpx.Client, expected: ExpectedImport, limit: int | str
) -> None:
    failed = run_job(harness, max_rejected=limit)
    assert (failed.status, failed.error and failed.error.code) == (Status.FAILED, "too_many_rejects")
    assert failed.error is not None
    assert "Most often: " in failed.error.message
    assert "for example row " in failed.error.message
    rejected = harness.db.rejected_rows(failed.request_id)
    assert len(rejected) == failed.failed > 40
    assert failed.processed == len(harness.db.fetch("select 1 from directory.chats")) + failed.duplicates, (
        "only whole batches are stored"
    )
    body = {"max_rejected": ROWS}
    retried = client.post(f"/migration/jobs/{failed.request_id}/retry", json=body)
    assert (retried.status_code, retried.json()["max_rejected"]) == (202, str(ROWS))
    done = harness.kafka.wait_for_terminal_event(failed.request_id, run=2)
    assert (done.status, done.processed, done.failed, done.inserted, done.duplicates) == (
        Status.COMPLETED, expected.processed, expected.failed, expected.inserted, expected.duplicates
    )  # fmt: skip
    assert harness.db.rejected_rows(failed.request_id) == {
        row.row: list(row.fields) for row in expected.rejected
    }
    assert failed.request_id in {job["request_id"] for job in client.get("/migration/jobs").json()["items"]}


def test_percentage_of_a_small_source_counts_before_anything_is_stored(
    harness: Harness, service: ServiceProcess
) -> None:
    make_workbook(harness.inbox / "small.xlsx", rows=200, seed=72, invalid_share=0.2)
    failed = run_job(harness, "small.xlsx", max_rejected="5%")
    assert (failed.status, failed.processed) == (Status.FAILED, 0)
    assert failed.error is not None
    assert failed.error.code == "too_many_rejects"
    assert not any(harness.db.directory_tables().values())
    assert run_job(harness, "small.xlsx", max_rejected="50%").status is Status.COMPLETED


def test_all_or_nothing_stores_nothing_of_a_source_with_a_wrong_row(
    harness: Harness, service: ServiceProcess, expected: ExpectedImport
) -> None:
    failed = run_job(harness, all_or_nothing=True)
    assert (failed.status, failed.phase) == (Status.FAILED, Phase.CHECK)
    assert failed.error is not None
    assert failed.error.code == "too_many_rejects"
    assert "No row was stored." in failed.error.message
    assert not any(harness.db.directory_tables().values())


def test_all_or_nothing_checks_and_then_loads(harness: Harness, service: ServiceProcess) -> None:
    good = make_workbook(harness.inbox / "good.xlsx", rows=ROWS, seed=73, invalid_share=0)
    request_id = harness.kafka.start_excel("good.xlsx", options={"all_or_nothing": True})
    events = harness.kafka.events(request_id, lambda event: event.status.terminal)
    phases = [event.phase for event in events]
    assert phases == sorted(phases), "the load follows on the check"
    assert {Phase.CHECK, Phase.LOAD} == set(phases)
    end = events[-1]
    assert (end.status, end.total, end.inserted) == (Status.COMPLETED, good.total, good.inserted)
    assert (end.duplicates, end.failed, end.warnings) == (good.duplicates, 0, good.warnings)
    assert harness.db.job(request_id)["load"] == 2
