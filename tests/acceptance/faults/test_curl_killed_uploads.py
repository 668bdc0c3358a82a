"""A client killed during its upload starts nothing, and a service killed after its 202 loses nothing.

The former service failed this: its jobs lived inside of requests.
"""

from pathlib import Path

from devstack.fakedata.expected import ExpectedImport
from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from tests.support.curl import UPLOADED_ROWS, Curl
from tests.support.harness import Harness
from tests.support.wait import wait_until


def test_client_killed_during_upload_starts_nothing(
    harness: Harness, service: ServiceProcess, curl: Curl, curl_workbook: ExpectedImport, curl_folder: Path
) -> None:
    before = harness.db.fetchval("select count(*) from migration.jobs")
    process = curl.start_post("/migration/excel", "--limit-rate", "1M", "-F", "file=@chats.xlsx")
    wait_until(lambda: process.read_bytes > 2**21, 30, "a part of the file to be sent")
    process.kill()
    wait_until(lambda: service.log_events("upload.client_disconnected"), 30, "the service to notice")
    # A message of the killed one would be on the topic before this one.
    small = curl_folder / "small.xlsx"
    make_workbook(small, rows=40, seed=42)
    answer = curl.post("/migration/excel", "-F", "file=@small.xlsx")
    assert curl.wait_for_end(answer.json["id"])["status"] == "completed"
    assert harness.db.fetchval("select count(*) from migration.jobs") == before + 1


def test_job_survives_service_killed_after_202(
    harness: Harness, service: ServiceProcess, curl: Curl, curl_workbook: ExpectedImport
) -> None:
    answer = curl.post("/migration/excel", "-F", "file=@chats.xlsx", "-F", "requested_by=ivanova")
    assert answer.status == 202
    service.kill()
    service.start()
    job = curl.wait_for_end(answer.json["id"])
    assert (job["status"], job["total"], job["requested_by"]) == ("completed", UPLOADED_ROWS, "ivanova")
    assert job["processed"] + job["failed"] == UPLOADED_ROWS
