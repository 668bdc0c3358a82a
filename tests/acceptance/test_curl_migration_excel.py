"""`curl -X POST …/migration/excel -F file=@chats.xlsx`: uploads of workbooks and their errors.

`faults/test_curl_killed_uploads.py` kills the client and the service.
"""

import json
from pathlib import Path

import httpx
import pytest

from devstack.fakedata.expected import ExpectedImport
from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from tests.support.curl import UPLOADED_ROWS, Curl
from tests.support.harness import Harness


def test_uploaded_workbook_completes_with_exact_counts(curl: Curl, curl_workbook: ExpectedImport) -> None:
    answer = curl.post("/migration/excel", "-F", "file=@chats.xlsx")
    assert (answer.status, answer.json["id"]) == (202, 1)
    assert answer.headers["location"] == f"/migration/jobs/{answer.json['request_id']}"
    job = curl.wait_for_end(1)
    assert (job["status"], job["total"]) == ("completed", UPLOADED_ROWS)
    assert job["processed"] + job["failed"] == UPLOADED_ROWS
    assert (job["failed"], job["inserted"]) == (curl_workbook.failed, curl_workbook.inserted)
    assert job["source_identifier"] == "chats.xlsx"


def test_form_fields_are_accepted_before_and_after_file(
    curl: Curl, curl_folder: Path, harness: Harness
) -> None:
    make_workbook(curl_folder / "fields.xlsx", rows=30, seed=43)
    fields = [
        "-F",
        "sheet=Чаты",
        "-F",
        "request_id=form 1/а",
        "-F",
        "file=@fields.xlsx;filename=мои чаты.xlsx",
    ]
    answer = curl.post("/migration/excel", *fields, "-F", "timeout_seconds=600", "-F", "max_attempts=2")
    assert (answer.status, answer.json["request_id"]) == (202, "form 1/а")
    row = harness.db.job("form 1/а")
    assert (row["source_identifier"], row["timeout_seconds"], row["max_attempts"]) == (
        "мои чаты.xlsx",
        600,
        2,
    )
    assert json.loads(row["source"])["sheet"] == "Чаты"
    assert curl.wait_for_end("form%201%2F%D0%B0")["status"] == "completed"


def test_repeated_upload_returns_its_job_and_publishes_nothing(
    curl: Curl, curl_folder: Path, harness: Harness
) -> None:
    make_workbook(curl_folder / "again.xlsx", rows=30, seed=44)
    key = ["-H", "Idempotency-Key: again-1"]
    first = curl.post("/migration/excel", *key, "-F", "file=@again.xlsx")
    events = harness.kafka.events("again-1", lambda event: event.status.terminal)
    second = curl.post("/migration/excel", *key, "-F", "file=@again.xlsx")
    assert (first.status, second.status, first.json["id"]) == (202, 200, second.json["id"])
    make_workbook(curl_folder / "again.xlsx", rows=31, seed=44)
    third = curl.post("/migration/excel", *key, "-F", "file=@again.xlsx")
    assert (third.status, third.json["code"]) == (409, "request_id_reused")
    assert {error["field"] for error in third.json["errors"]} == {"source.file.size", "source.file.sha256"}
    # A request read twice would have had its last event sent again.
    outbox = "select sum(resend_generation) from migration.outbox where request_id = 'again-1'"
    assert harness.db.fetchval(outbox) == 0
    assert events[-1].status == "completed"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (["-F", "sheet=Чаты"], 422, "invalid_form"),
        (["-F", "file=@empty.xlsx"], 422, "invalid_form"),
        (["-F", "file=@few.xlsx", "-F", "timeout_seconds=soon"], 422, "invalid_request"),
        (["-F", "file=@few.xlsx", "-F", "dataset=people"], 422, "invalid_request"),
        (["-F", "file=@few.xlsx", "-F", "shet=Чаты"], 422, "invalid_request"),
        (["-F", "file=@few.xlsx", "-F", "file=@few.xlsx"], 400, "invalid_form"),
        (["-F", "workbook=@few.xlsx"], 400, "invalid_form"),
        (["--data-binary", "@few.xlsx"], 415, "unsupported_media_type"),
        (["-H", "Content-Digest: sha-256=:AAAA:", "-F", "file=@few.xlsx"], 400, "invalid_digest"),
        (
            ["-H", f"Content-Digest: sha-256=:{'A' * 43}=:", "-F", "file=@few.xlsx"],
            400,
            "digest_mismatch",
        ),
        (
            ["-F", f'file=@few.xlsx;headers="Content-Digest: sha-256=:{"A" * 43}=:"'],
            400,
            "digest_mismatch",
        ),
    ],
)
def test_invalid_upload_is_rejected_and_starts_nothing(
    curl: Curl, curl_folder: Path, harness: Harness, body: list[str], status: int, code: str
) -> None:
    (curl_folder / "few.xlsx").write_bytes(b"PK" * 2_000)
    (curl_folder / "empty.xlsx").write_bytes(b"")
    before = harness.db.fetchval("select count(*) from migration.jobs")
    answer = curl.post("/migration/excel", *body)
    assert (answer.status, answer.json["code"]) == (status, code), answer.json
    assert answer.json["detail"].endswith(".")
    assert answer.headers["content-type"] == "application/problem+json"
    assert harness.db.fetchval("select count(*) from migration.jobs") == before


@pytest.mark.parametrize("field", ["request_id=a\x00b", "timeout_seconds=soon", "dataset=people"])
def test_invalid_field_before_file_is_rejected(
    service: ServiceProcess, curl_folder: Path, field: str
) -> None:
    """By hand: curl cannot send a NUL."""
    name, value = field.split("=")
    disposition = "Content-Disposition: form-data; name="
    parts = (f'"{name}"\r\n\r\n{value}', '"file"; filename="a.xlsx"\r\n\r\nPK')
    body = "".join(f"--b\r\n{disposition}{part}\r\n" for part in parts)
    answer = httpx.post(
        f"{service.url}/migration/excel",
        content=f"{body}--b--\r\n".encode(),
        headers={"content-type": "multipart/form-data; boundary=b"},
        trust_env=False,
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)
