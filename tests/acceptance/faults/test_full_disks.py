"""I14: a full disk is an outage: no job fails, and all continue when there is space."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from devstack.accounts import server_account
from devstack.stack import Stack
from messaging.upload import send_file
from tests.support.dedicated_postgres import start_dedicated_postgres
from tests.support.faults import small_disk
from tests.support.faults.fault_harness import LONG_LEASES, FaultHarness
from tests.support.faults.full_disk import failing_writes, full_disks
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.wait import wait_until

ACCOUNT = server_account()
KIBIBYTES = 48 * 1024
SMALL_BATCHES = {"MIGRATION_BATCH_ROWS": "60"}

COMPLETED_COUNT = "select count(*) from migration.jobs where status = 'completed'"

FillDisk = Callable[[FaultHarness], AbstractContextManager[None]]


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that the account of the servers can reach."""
    folder = Path(tempfile.mkdtemp(prefix="small-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def small_postgres(stack: Stack, tmp_path: Path, folder: Path) -> Iterator[tuple[FaultHarness, FillDisk]]:
    """A harness whose tables are on a small disk, and a call that fills it."""
    real = small_disk.is_supported(ACCOUNT)
    within = partial(small_disk.tmpfs_command, folder, KIBIBYTES) if real else list
    with start_dedicated_postgres(within) as made:
        servers = Stack("embedded", {**stack.env, "DATABASE_URL": made.url})
        if real:
            servers.execute(f"create tablespace small location '{folder}'")
            servers.execute("alter database template1 set tablespace small")
        harness = FaultHarness(servers, tmp_path)
        try:
            pid = made.server.pid
            yield (
                harness,
                lambda _: small_disk.filled(pid, folder, ACCOUNT) if real else failing_writes(harness.db),
            )
        finally:
            harness.close()


def test_jobs_continue_after_full_disk_of_postgres(
    stack: Stack, tmp_path: Path, shared_folder: Path, workbook: GoldenWorkbook
) -> None:
    with small_postgres(stack, tmp_path, shared_folder) as (harness, full):
        replica = harness.start_replica(
            **SMALL_BATCHES
        )  # a second one may take over before the first has written what it met
        request_ids = harness.request_imports(workbook, 4)
        wait_until(lambda: harness.job(request_ids[0]).get("checkpoint"), 60, "the first batch")
        with full(harness):
            wait_until(lambda: no_room_log_count(harness), 60, "a batch that finds no space")
            done = harness.db.fetchval(COMPLETED_COUNT)
            request_ids += harness.request_imports(workbook, 1)
            wait_until(lambda: no_room_log_count(harness) >= 6, 60, "further tries")
            assert harness.db.fetchval(COMPLETED_COUNT) == done < len(request_ids)
        jobs = [harness.wait_for_status(request_id, "completed", 90) for request_id in request_ids]
        assert {job["attempt"] for job in jobs} == {1}
        assert replica.running
        assert_invariants(harness)


def no_room_log_count(harness: FaultHarness) -> int:
    """How often the replicas logged that Postgres has no space."""
    return sum(replica.log.read_text().count("53100") for replica in harness.replicas)


def test_uploads_continue_after_full_disk_of_service(
    fault_harness: FaultHarness, workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    if real := small_disk.is_supported():
        harness.wrap_command = partial(small_disk.tmpfs_command, harness.scratch, KIBIBYTES)
    replicas = [harness.start_replica(MIGRATION_MAX_ATTEMPTS="1", **LONG_LEASES) for _ in range(2)]
    with full_disks(replicas, harness.scratch, use_tmpfs=real):
        request_ids = [upload(harness, workbook), harness.request_import(workbook)]
        for request_id in request_ids:
            waits = partial(was_retried, harness, request_id)
            wait_until(waits, 60, "a second try of what may be tried once")
    for request_id in request_ids:
        assert harness.wait_for_status(request_id, "completed")["attempt"] == 1
    assert all(replica.running for replica in replicas)
    assert_invariants(harness)


def upload(harness: FaultHarness, workbook: GoldenWorkbook) -> str:
    """Send a workbook through Kafka and ask for it."""
    sent = asyncio.run(send_file(harness.kafka.connection, workbook.path, workbook.path.name))
    source = {"type": "excel", "file": {"upload": sent.model_dump(mode="json")}}
    request_id = harness.kafka.start(source)
    harness.expect_import(request_id, workbook)
    return request_id


def was_retried(harness: FaultHarness, request_id: str) -> bool:
    """Waited, was claimed, waits, and was claimed once more."""
    job = harness.job(request_id)
    assert job.get("status") != "failed", job["error_message"]
    return bool(job and job["sequence"] >= 4 and job["error_code"] == "source_unavailable")
