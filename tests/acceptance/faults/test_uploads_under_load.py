"""Large uploads, and many at once: memory stays bounded, a running job and the probes do not suffer."""

import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.memory import MemorySampler
from devstack.fakedata.expected import ExpectedImport
from devstack.fakedata.workbook import make_workbook
from devstack.http_probes import ProbeRecorder
from devstack.service import ServiceProcess
from tests.support.curl import Curl
from tests.support.harness import Harness
from tests.support.wait import wait_until

pytestmark = pytest.mark.serial

MEBIBYTE = 2**20
LARGE_BYTES = 500 * MEBIBYTE
MEMORY_MIB = 200
UPLOADS = 8
"""As many as the service takes at once by default (MIGRATION_MAX_UPLOADS)."""
MANY_BYTES = 150 * MEBIBYTE
STARTED_BYTES = 2 * MEBIBYTE
JOB_ROWS = 60_000
JOB_SECONDS = 120


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Holds what is uploaded; emptied at once, since pytest keeps temporary folders for a while."""
    yield tmp_path
    for path in (*tmp_path.glob("*.xlsx"), *tmp_path.glob("*.bin")):
        path.unlink()


@pytest.fixture
def curl(service: ServiceProcess, folder: Path) -> Curl:
    """curl as a person would call it."""
    return Curl(service.url, folder)


def large_workbook(path: Path) -> ExpectedImport:
    """A workbook that is large by a picture, say: not a row more to import than in a small one."""
    expected = make_workbook(path, rows=300, seed=71)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as book,
        book.open("xl/media/image1.bmp", "w") as image,
    ):
        for _ in range(LARGE_BYTES // MEBIBYTE):
            image.write(bytes(MEBIBYTE))
    return expected


def test_upload_of_500_mib_keeps_service_below_200_mib(
    harness: Harness, service: ServiceProcess, curl: Curl, folder: Path
) -> None:
    expected = large_workbook(folder / "large.xlsx")
    with MemorySampler(service.pid, children=False) as memory:
        response = curl.post("/migration/excel", "-F", "file=@large.xlsx")
        assert response.status == 202, response.body
        ended = harness.kafka.wait_for_terminal_event(response.json["request_id"])
    assert memory.peak_mib < MEMORY_MIB
    assert (ended.status, ended.total, ended.failed) == ("completed", expected.total, expected.failed)


def test_eight_concurrent_uploads_do_not_affect_job_and_probes(
    harness: Harness, service: ServiceProcess, curl: Curl, folder: Path
) -> None:
    harness.db.fetch("truncate directory.universities cascade")
    expected = make_workbook(harness.inbox / "job.xlsx", rows=JOB_ROWS, seed=72)
    with (folder / "many.bin").open("wb") as file:
        file.truncate(MANY_BYTES)
    with ExitStack() as stack:
        memory = stack.enter_context(MemorySampler(service.pid, children=False))
        probing = stack.enter_context(ProbeRecorder(service))
        uploads = [curl.start_post("/migration/excel", "-F", "file=@many.bin") for _ in range(UPLOADS)]
        wait_until(
            lambda: min(process.read_bytes for process in uploads) > STARTED_BYTES,
            30,
            "every upload to begin",
        )
        job = harness.kafka.start_excel("job.xlsx")
        ninth = curl.post("/migration/excel", "-F", "file=@many.bin")
        pool = stack.enter_context(ThreadPoolExecutor(UPLOADS))
        responses = list(pool.map(lambda upload: upload.response(), uploads))
        ended = harness.kafka.wait_for_terminal_event(job, seconds=JOB_SECONDS)
    assert (ninth.status, ninth.json["code"], ninth.headers["retry-after"]) == (503, "busy", "5")
    assert [response.status for response in responses] == [202] * UPLOADS
    assert (ended.status, ended.total, ended.failed) == ("completed", expected.total, expected.failed)
    assert (ended.inserted, ended.duplicates) == (expected.inserted, expected.duplicates)
    assert [answer for answer in [*probing.liveness, *probing.readiness] if not answer.ok] == []
    assert memory.peak_mib < MEMORY_MIB
