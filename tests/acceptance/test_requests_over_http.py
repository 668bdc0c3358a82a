"""POSTs publish, intake decides: what is recorded, refused, or asked for twice, over real servers."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from schemas.topics import DEAD_LETTERS
from tests.support.faults.oracle import read_topic
from tests.support.harness import Harness
from tests.support.wait import wait_until

POSTS = 50
ROWS = 20_000


@pytest.fixture(scope="module")
def service(harness: Harness) -> ServiceProcess:
    make_workbook(harness.inbox / "long.xlsx", rows=ROWS, seed=51)
    make_workbook(harness.inbox / "short.xlsx", rows=40, seed=52)
    return harness.start_replica(MIGRATION_BATCH_ROWS="500", MIGRATION_MAX_RUNNING_JOBS="1")


@pytest.fixture
def client(service: ServiceProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=30, trust_env=False) as client:
        yield client


def inbox_body(path: str, **more: Any) -> dict[str, Any]:
    source = {"type": "excel", "file": {"path": path}}
    return {"action": "start", "dataset": "chats", "source": source, **more}


def test_posted_request_is_answered_with_its_job(harness: Harness, client: httpx.Client) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    body = inbox_body("short.xlsx", requested_by="ivanova", options={"timeout_seconds": 600})
    answer = client.post("/migration/requests", json=body, headers={"traceparent": trace})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (answer.status_code, job["requested_by"], job["source_identifier"]) == (
        202,
        "ivanova",
        "short.xlsx",
    )
    assert answer.headers["location"] == f"/migration/jobs/{job['request_id']}"
    assert answer.headers["retry-after"] == "1"
    assert str(uuid.UUID(job["request_id"])) == job["request_id"]
    assert harness.kafka.wait_for_terminal_event(job["request_id"]).status == "completed"
    row = harness.db.job(job["request_id"])
    assert (row["traceparent"], row["timeout_seconds"]) == (trace, 600)


@pytest.mark.parametrize(
    ("path", "body", "identifier"),
    [
        ("database", {"source_identifier": "nowhere", "table": "public.chats"}, "nowhere/public.chats"),
        ("google-sheets", {"spreadsheet_id": "1AbC", "worksheet": "Чаты"}, "1AbC/Чаты"),
    ],
)
def test_database_and_spreadsheet_imports_start_by_name(
    harness: Harness, client: httpx.Client, path: str, body: dict[str, str], identifier: str
) -> None:
    answer = client.post(f"/migration/{path}", json={**body, "request_id": path})
    assert (answer.status_code, answer.json()["source_identifier"]) == (202, identifier)
    event = harness.kafka.wait_for_terminal_event(path)
    assert event.error is not None
    assert event.error.code in {"unknown_connection", "unknown_credentials"}


def test_repeated_request_is_not_published_and_changed_fields_are_409(
    harness: Harness, client: httpx.Client
) -> None:
    key = {"Idempotency-Key": f"known-{uuid.uuid4()}"}
    first = client.post("/migration/requests", json=inbox_body("short.xlsx"), headers=key).json()
    harness.kafka.wait_for_terminal_event(key["Idempotency-Key"])
    again = client.post("/migration/requests", json=inbox_body("short.xlsx"), headers=key)
    assert (again.status_code, again.json()["id"], again.json()["status"]) == (200, first["id"], "completed")
    body = inbox_body("long.xlsx", options={"max_attempts": 7})
    other = client.post("/migration/requests", json=body, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "request_id_reused")
    assert [error["field"] for error in other.json()["errors"]] == [
        "source.file.path",
        "options.max_attempts",
    ]
    sends = "select sum(resend_generation) from migration.outbox where request_id = $1"
    assert harness.db.fetchval(sends, key["Idempotency-Key"]) == 0


def test_concurrent_posts_with_one_id_succeed_for_one_body_only(
    harness: Harness, service: ServiceProcess
) -> None:
    """Through two replicas at once: whoever gets a 2xx asked for what is recorded."""
    second = harness.start_replica()
    request_id = f"race-{uuid.uuid4()}"
    bodies = [inbox_body("short.xlsx", request_id=request_id), inbox_body("long.xlsx", request_id=request_id)]

    async def post(number: int) -> tuple[str, httpx.Response]:
        url = (service.url, second.url)[number % 2]
        body = bodies[number // 2 % 2]
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            return str(body["source"]["file"]["path"]), await client.post(
                f"{url}/migration/requests", json=body
            )

    async def all_at_once() -> list[tuple[str, httpx.Response]]:
        return await asyncio.gather(*(post(number) for number in range(POSTS)))

    answers = asyncio.run(all_at_once())
    recorded = harness.db.job(request_id)["source_identifier"]
    statuses = Counter((path == recorded, answer.status_code) for path, answer in answers)
    for path, answer in answers:
        known = answer.json().get("id") is not None
        assert answer.status_code in ({200, 202} if path == recorded else {409}) or not known, statuses
    assert sum(n for (same, status), n in statuses.items() if not same and status == 409) > 0
    assert sum(n for (same, status), n in statuses.items() if same and status in {200, 202}) > 0
    assert harness.db.fetchval("select count(*) from migration.jobs where request_id = $1", request_id) == 1
    second.stop()


def test_command_is_answered_with_job_and_acts_once(harness: Harness, client: httpx.Client) -> None:
    request_id = client.post("/migration/requests", json=inbox_body("long.xlsx")).json()["request_id"]
    wait_until(lambda: harness.db.job(request_id).get("checkpoint"), 60, "the job to be in its middle")
    key = {"Idempotency-Key": f"cancel-{uuid.uuid4()}"}
    body = {"requested_by": "petrov"}
    with harness.db.locked_table("directory.chats"):  # the job does not end before the command comes
        answer = client.post(f"/migration/jobs/{request_id}/cancel", json=body, headers=key)
        assert (answer.status_code, answer.json()["command"]["accepted"]) == (202, True), answer.text
        assert harness.kafka.wait_for_terminal_event(request_id).status == "cancelled"
    again = client.post(f"/migration/jobs/{request_id}/cancel", json=body, headers=key)
    assert (again.status_code, again.json()["status"]) == (200, "cancelled")
    query = "select requested_by, action from migration.commands where command_id = $1"
    assert harness.db.fetch(query, key["Idempotency-Key"]) == [("petrov", "cancel")]

    retried = client.post(f"/migration/jobs/{request_id}/retry")
    assert (retried.status_code, retried.json()["run"]) == (202, 2)
    assert harness.kafka.wait_for_terminal_event(request_id, run=2).status == "completed"


def test_rejected_command_is_409_with_its_reason(harness: Harness, client: httpx.Client) -> None:
    job = client.post("/migration/requests", json=inbox_body("short.xlsx")).json()
    harness.kafka.wait_for_terminal_event(job["request_id"])
    for action, sentence in (("cancel", "there is nothing to cancel"), ("retry", "start the source again")):
        answer = client.post(f"/migration/jobs/{job['id']}/{action}")
        assert (answer.status_code, answer.json()["code"]) == (409, "command_refused")
        assert sentence in answer.json()["detail"]
    other = client.post("/migration/requests", json=inbox_body("short.xlsx")).json()
    key = {"Idempotency-Key": f"used-{uuid.uuid4()}"}
    client.post(f"/migration/jobs/{job['id']}/cancel", headers=key)
    answer = client.post(f"/migration/jobs/{other['id']}/cancel", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (409, "command_id_reused")


def test_command_in_body_names_job_by_request_id_only(client: httpx.Client) -> None:
    """In an address a number may be the id of the job, in a message it is a request id."""
    number = client.post("/migration/requests", json=inbox_body("short.xlsx")).json()["id"]
    answer = client.post("/migration/requests", json={"action": "cancel", "request_id": str(number)})
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
    assert answer.json()["detail"].startswith(f"There is no job with request id '{number}'")


def test_two_different_idempotency_keys_are_rejected(client: httpx.Client) -> None:
    headers = [("idempotency-key", "a"), ("idempotency-key", "b")]
    answer = client.post("/migration/requests", json=inbox_body("short.xlsx"), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_command_for_unknown_job_is_not_published(
    harness: Harness, service: ServiceProcess, client: httpx.Client, action: str
) -> None:
    request_id = f"none-{uuid.uuid4()}"
    body = {"action": action, "request_id": request_id}
    for answer in (
        client.post(f"/migration/jobs/{request_id}/{action}"),
        client.post("/migration/requests", json=body),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
    refused = read_topic(harness.stack.bootstrap_servers, DEAD_LETTERS.name)
    assert not [record for record in refused if record.key == request_id.encode()]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("requests", {"action": "begin"}, "action"),
        ("requests", inbox_body("../etc/passwd\x00"), "source.file"),
        ("requests", inbox_body("short.xlsx", dataset="people"), "dataset"),
        ("requests", inbox_body("short.xlsx", request_id=" x"), "request_id"),
        ("database", {"source_identifier": "a b"}, "source_identifier"),
        ("database", {"source_identifier": "a", "max_attempts": "2"}, "max_attempts"),
        ("google-sheets", {}, "spreadsheet_id"),
    ],
)
def test_invalid_body_error_names_its_fields(
    client: httpx.Client, path: str, body: dict[str, Any], field: str
) -> None:
    answer = client.post(f"/migration/{path}", json=body)
    assert answer.status_code == 422
    assert any(field in f"{error['field']}: {error['message']}" for error in answer.json()["errors"]), (
        answer.json()
    )


def test_invalid_json_and_wrong_digest_are_400(client: httpx.Client) -> None:
    json_type = {"content-type": "application/json"}
    broken = client.post("/migration/database", content=b"{", headers=json_type)
    assert (broken.status_code, broken.json()["code"]) == (400, "not_json")
    digest = {**json_type, "Content-Digest": f"sha-256=:{'A' * 43}=:"}
    damaged = client.post("/migration/database", content=b'{"source_identifier": "a"}', headers=digest)
    assert (damaged.status_code, damaged.json()["code"]) == (400, "digest_mismatch")


def test_location_never_leads_to_another_job(harness: Harness, client: httpx.Client) -> None:
    """The number of one job may be the request id of another."""
    first = client.post("/migration/requests", json=inbox_body("short.xlsx")).json()
    client.post("/migration/requests", json=inbox_body("short.xlsx", request_id=str(first["id"] + 2)))
    third = client.post("/migration/requests", json=inbox_body("short.xlsx"))
    assert third.json()["id"] == first["id"] + 2
    found = client.get(third.headers["location"]).json()
    assert found["request_id"] == third.json()["request_id"]
    harness.kafka.wait_for_terminal_event(found["request_id"])


def test_cross_site_requests_are_403(harness: Harness, client: httpx.Client) -> None:
    job = client.post("/migration/requests", json=inbox_body("short.xlsx")).json()
    harness.kafka.wait_for_terminal_event(job["request_id"])
    before = harness.db.fetchval("select count(*) from migration.jobs")
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for answer in (
            client.post("/migration/excel", files={"file": b"PK"}, headers=headers),
            client.post(f"/migration/jobs/{job['id']}/cancel", headers=headers),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert harness.db.fetchval("select count(*) from migration.jobs") == before


def test_only_first_of_many_invalid_fields_are_reported(client: httpx.Client) -> None:
    many = {f"unknown-{n}": n for n in range(3_000)}
    answer = client.post("/migration/database", json={"source_identifier": "a", **many})
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 20)
    larger = client.post("/migration/database", json={f"unknown-{n}": n for n in range(95_000)})
    assert (larger.status_code, larger.json()["code"]) == (413, "too_large")
