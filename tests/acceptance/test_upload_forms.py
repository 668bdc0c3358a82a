"""Forms with a workbook in them: what is taken, what is refused, and that a refused one starts nothing."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from schemas.topics import UPLOADS
from tests.support.curl import Curl, CurlResponse
from tests.support.harness import Harness
from tests.support.wait import wait_until

FILE = ("-F", "file=@chats.xlsx")
CHUNKS = ("-F", "file=@chunks.xlsx")
"""More than one chunk: the first is sent while the rest arrives."""
LIMIT_MB = 1
WRONG_DIGEST = f"Content-Digest: sha-256=:{base64.b64encode(bytes(32)).decode()}:"


@pytest.fixture(scope="module")
def service(harness: Harness) -> ServiceProcess:
    """It takes files of up to one megabyte."""
    return harness.start_replica(MIGRATION_MAX_UPLOAD_MB=str(LIMIT_MB))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two workbooks, what is just within the limit and beyond it, and an empty file."""
    folder = tmp_path_factory.mktemp("forms")
    make_workbook(folder / "chats.xlsx", rows=40, seed=71)
    make_workbook(folder / "other.xlsx", rows=41, seed=72)
    (folder / "large.xlsx").write_bytes(bytes(LIMIT_MB * 2**20 + 1))
    (folder / "chunks.xlsx").write_bytes(bytes(LIMIT_MB * 2**20))
    (folder / "empty.xlsx").touch()
    return folder


@pytest.fixture
def curl(service: ServiceProcess, folder: Path) -> Curl:
    """curl against that service."""
    return Curl(service.url, folder)


def post(curl: Curl, *options: str) -> CurlResponse:
    """The answer to a form."""
    return curl.post("/migration/excel", *options)


def wait_for_completion(curl: Curl, answer: CurlResponse) -> dict[str, Any]:
    """The job that a form has started, at its end."""
    assert answer.status == 202, answer.body
    address = answer.headers["location"]
    ended = wait_until(lambda: _is_terminal(curl.get(address).json), 60, "the job to end")
    assert ended["status"] == "completed", ended
    return ended


def _is_terminal(job: dict[str, Any]) -> dict[str, Any]:
    return job if job["status"] in {"completed", "failed", "cancelled"} else {}


def assert_nothing_started(harness: Harness, curl: Curl, name: str) -> None:
    """A message of a refused form would be on the topic before the request that is sent now."""
    before = harness.db.fetchval("select count(*) from migration.jobs")
    wait_for_completion(curl, post(curl, "-F", f"request_id=behind-{name}", *FILE))
    assert harness.db.fetchval("select count(*) from migration.jobs") == before + 1


@pytest.mark.parametrize("order", ["before", "after"])
def test_fields_are_accepted_before_or_after_file(harness: Harness, curl: Curl, order: str) -> None:
    fields = (
        "-F",
        f"request_id=fields-{order}",
        "-F",
        "requested_by=anna",
        "-F",
        "sheet=",
        "-F",
        "dataset=chats",
    )
    options = (*fields, *FILE) if order == "before" else (*FILE, *fields)
    job = wait_for_completion(curl, post(curl, *options))
    assert (job["request_id"], job["requested_by"]) == (f"fields-{order}", "anna")


@pytest.mark.parametrize(
    ("options", "status", "code", "field"),
    [
        (("-F", "dataset=chat", *CHUNKS), 422, "invalid_request", "dataset"),
        (("--form-string", "request_id= a", *CHUNKS), 422, "invalid_request", "request_id"),
        (("-F", "timeout_seconds=soon", *CHUNKS), 422, "invalid_request", "timeout_seconds"),
        (("-F", "datset=chats", *CHUNKS), 422, "invalid_request", "datset"),
        (("-F", "dataset=chats", "-F", "dataset=chats", *CHUNKS), 400, "invalid_form", ""),
        (
            ("-H", "Idempotency-Key: a", "-F", "request_id=b", *CHUNKS),
            422,
            "invalid_request",
            "Idempotency-Key",
        ),
        (("-H", "Idempotency-Key: ..", *CHUNKS), 422, "invalid_request", "Idempotency-Key"),
        (("-H", "Content-Digest: md5=:AA==:", *CHUNKS), 400, "invalid_digest", ""),
        (
            (
                "-F",
                'file=@chunks.xlsx;headers="Content-Digest: ?"',
            ),
            400,
            "invalid_digest",
            "",
        ),
        (("-F", "workbook=@chunks.xlsx"), 400, "invalid_form", ""),
        (("-F", "file=chats.xlsx"), 400, "invalid_form", ""),
        (("-F", "file=@empty.xlsx"), 422, "invalid_form", "file"),
        (("-F", "dataset=chats"), 422, "invalid_form", "file"),
        (("-H", "Content-Type: application/json", "-d", "{}"), 415, "unsupported_media_type", ""),
        (("--data-binary", "@chats.xlsx"), 415, "unsupported_media_type", ""),
    ],
)
def test_error_before_file_is_rejected_before_any_chunk_is_published(
    harness: Harness, curl: Curl, options: tuple[str, ...], status: int, code: str, field: str
) -> None:
    before = harness.kafka.record_count(UPLOADS.name)
    answer = post(curl, *options)
    assert (answer.status, answer.json["code"]) == (status, code), answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    if field:
        assert [error["field"] for error in answer.json["errors"]] == [field]
    assert harness.kafka.record_count(UPLOADS.name) == before


@pytest.mark.parametrize(
    ("name", "options", "status", "code"),
    [
        ("dataset", (*FILE, "-F", "dataset=chat"), 422, "invalid_request"),
        ("field", (*FILE, "-F", "colour=red"), 422, "invalid_request"),
        ("twice", (*FILE, *FILE), 400, "invalid_form"),
        ("body", ("-H", WRONG_DIGEST, *FILE), 400, "digest_mismatch"),
        ("file", ("-F", f'file=@chats.xlsx;headers="{WRONG_DIGEST}"'), 400, "digest_mismatch"),
    ],
)
def test_error_in_or_after_file_starts_nothing(
    harness: Harness, curl: Curl, name: str, options: tuple[str, ...], status: int, code: str
) -> None:
    answer = post(curl, *options)
    assert (answer.status, answer.json["code"]) == (status, code), answer.body
    assert_nothing_started(harness, curl, name)


@pytest.mark.parametrize("length", ["stated", "not stated"])
def test_too_large_file_is_413_visible_to_curl(
    harness: Harness, curl: Curl, folder: Path, length: str
) -> None:
    chunked = ("-H", "Transfer-Encoding: chunked") if length == "not stated" else ()
    answer = post(curl, *chunked, "-F", "file=@large.xlsx")
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    assert f"larger than {LIMIT_MB} MB" in answer.json["detail"]
    assert_nothing_started(harness, curl, length)


def test_correct_digests_of_file_and_body_are_accepted(curl: Curl, folder: Path) -> None:
    """The body is a form made by hand: only who has it can say its digest."""
    content = (folder / "chats.xlsx").read_bytes()
    frame = '--b\r\nContent-Disposition: form-data; name="file"; filename="chats.xlsx"\r\n'
    body = f"{frame}Content-Digest: {_digest(content)}\r\n\r\n".encode() + content + b"\r\n--b--\r\n"
    (folder / "body").write_bytes(body)
    headers = (
        "-H",
        "Content-Type: multipart/form-data; boundary=b",
        "-H",
        f"Content-Digest: {_digest(body)}",
    )
    wait_for_completion(curl, post(curl, *headers, "--data-binary", "@body"))


def _digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def test_repeated_upload_publishes_no_chunk_and_other_file_is_409(harness: Harness, curl: Curl) -> None:
    key = ("-H", "Idempotency-Key: known")
    job = wait_for_completion(curl, post(curl, *key, *FILE))
    before = harness.kafka.record_count(UPLOADS.name)
    again = post(curl, *key, *FILE)
    assert (again.status, again.json["id"], again.json["status"]) == (200, job["id"], "completed")
    other = post(curl, *key, "-F", "file=@other.xlsx;filename=chats.xlsx")
    assert (other.status, other.json["code"]) == (409, "request_id_reused")
    assert "source.file.sha256" in {error["field"] for error in other.json["errors"]}
    assert harness.kafka.record_count(UPLOADS.name) == before
