"""Uploads that do not come to their end: nothing is started, and the place is free for the next one."""

import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from tests.support.curl import Curl, CurlProcess, parse_output
from tests.support.harness import Harness
from tests.support.wait import wait_until

LARGE_BYTES = 200 * 2**20
SENT_BYTES = 4 * 2**20
"""Some chunks of 512 KiB are in Kafka then."""
SLOW_SECONDS = 30
"""A body may pause for 20 s (`GRACE_SECONDS` of the transfer rate)."""
DRAIN_SECONDS = 25


@pytest.fixture(scope="module")
def service(harness: Harness) -> ServiceProcess:
    """It takes one upload at a time, so that a place which is not given back shows."""
    return harness.start_replica(MIGRATION_MAX_UPLOADS="1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file too large to be sent in a moment, which takes no disk, and two small workbooks."""
    folder = tmp_path_factory.mktemp("uploads")
    with (folder / "large.bin").open("wb") as file:
        file.truncate(LARGE_BYTES)
    make_workbook(folder / "small.xlsx", rows=40, seed=61)
    make_workbook(folder / "other.xlsx", rows=41, seed=62)
    return folder


@pytest.fixture
def curl(service: ServiceProcess, folder: Path) -> Curl:
    """curl against that service."""
    return Curl(service.url, folder)


def start_upload(curl: Curl, request_id: str) -> CurlProcess:
    """An upload in its middle."""
    options = ("--limit-rate", "2M", "-H", f"Idempotency-Key: {request_id}", "-F", "file=@large.bin")
    process = curl.start_post("/migration/excel", *options)
    try:
        wait_until(lambda: process.read_bytes > SENT_BYTES, 30, "a part of the file to be sent")
    except BaseException:
        process.kill()
        raise
    return process


def upload_file(curl: Curl, name: str = "small.xlsx") -> dict[str, Any]:
    """A whole upload; the job that its 202 names."""
    response = curl.post("/migration/excel", "-F", f"file=@{name}")
    assert response.status == 202, response.body
    return response.json


def assert_nothing_started(harness: Harness, curl: Curl, request_id: str) -> None:
    """A message of the aborted upload would be on the topic before the request that is sent now."""
    later = upload_file(curl)
    wait_until(lambda: harness.db.job(later["request_id"]), 60, "the later request to be recorded")
    assert harness.db.job(request_id) == {}


def is_busy(curl: Curl) -> bool:
    """Whether an upload is refused for want of a place; one that is taken starts a job of its own."""
    response = curl.post("/migration/excel", "-F", "file=@small.xlsx")
    assert response.status in {202, 503}, response.body
    return response.status == 503


def test_client_without_body_gets_408_and_frees_its_slot(service: ServiceProcess, curl: Curl) -> None:
    address = urlsplit(service.url)
    head = (
        f"POST /migration/excel HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 1000000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port or 0), SLOW_SECONDS) as client:
        client.sendall(head.encode())
        wait_until(lambda: is_busy(curl), 10, "the place to be taken")
        status = client.makefile("rb").readline()
    assert status.split(b" ")[1] == b"408"
    assert not is_busy(curl)


def test_killed_client_frees_its_slot_and_starts_nothing(
    harness: Harness, service: ServiceProcess, curl: Curl
) -> None:
    process = start_upload(curl, "vanished")
    assert is_busy(curl)
    process.kill()
    wait_until(lambda: not is_busy(curl), 10, "the place to be free")
    assert_nothing_started(harness, curl, "vanished")


@pytest.mark.parametrize(("second", "also"), [("small.xlsx", 200), ("other.xlsx", 409)])
def test_concurrent_uploads_with_same_id_make_one_job(
    harness: Harness, folder: Path, second: str, also: int
) -> None:
    """The same file twice is one job for both; of two files one is refused."""
    replica = harness.start_replica()
    curl = Curl(replica.url, folder)
    request_id = f"twice-{second}"

    def send(name: str) -> int:
        key = ("-H", f"Idempotency-Key: {request_id}")
        return curl.post("/migration/excel", *key, "-F", f"file=@{name};filename=chats.xlsx").status

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(send, ("small.xlsx", second)))
    # Two that see each other too late are both new ones: 202 twice, which is true of one file only.
    assert sorted(found) in ([202, 202], [200, 202]) if also == 200 else sorted(found) == [202, 409]
    assert harness.db.fetchval("select count(*) from migration.jobs where request_id = $1", request_id) == 1
    replica.stop()


def test_drain_during_upload_ends_in_time_and_starts_nothing(
    harness: Harness, service: ServiceProcess, curl: Curl
) -> None:
    process = start_upload(curl, "drained")
    service.signal(signal.SIGTERM)
    assert service.wait(DRAIN_SECONDS) == 0, service.log_tail()
    code, out, _ = process.wait(10)
    service.start()
    # The answer may be lost on its way: the client is still sending when the connection is closed.
    assert code != 0 or parse_output(out).status == 503, out
    assert_nothing_started(harness, curl, "drained")


def test_service_killed_during_upload_starts_nothing(
    harness: Harness, service: ServiceProcess, curl: Curl
) -> None:
    process = start_upload(curl, "killed")
    service.kill()
    code, _, _ = process.wait(10)
    service.start()
    assert code != 0
    assert_nothing_started(harness, curl, "killed")
