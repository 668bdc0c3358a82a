"""I14: a full disk is an outage: no job fails for it, and all go on when there is room."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from devstack.stack import Stack
from devstack.unprivileged import account_for_servers
from messaging.uploads import send_file
from tests.acceptance.faults.conftest import CALM, FaultWorld
from tests.support.faults import small_disk
from tests.support.faults.books import Book
from tests.support.faults.full_disk import no_room_for, refusing_writes
from tests.support.faults.oracle import judge
from tests.support.own_postgres import own_postgres
from tests.support.wait import until

ACCOUNT = account_for_servers()
KIBIBYTES = 48 * 1024
SLOW = {"MIGRATION_BATCH_ROWS": "60"}

COMPLETED = "select count(*) from migration.jobs where status = 'completed'"

Full = Callable[[FaultWorld], AbstractContextManager[None]]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the account of the servers can reach."""
    folder = Path(tempfile.mkdtemp(prefix="small-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def small_postgres(stack: Stack, tmp_path: Path, place: Path) -> Iterator[tuple[FaultWorld, Full]]:
    """A world whose tables lie on a small disk, and how that gets full."""
    real = small_disk.possible(ACCOUNT)
    within = partial(small_disk.command, place, KIBIBYTES) if real else list
    with own_postgres(within) as made:
        servers = Stack("embedded", {**stack.env, "DATABASE_URL": made.url})
        if real:
            servers.execute(f"create tablespace small location '{place}'")
            servers.execute("alter database template1 set tablespace small")
        world = FaultWorld(servers, tmp_path)
        try:
            pid = made.server.pid
            yield (
                world,
                lambda _: small_disk.filled(pid, place, ACCOUNT) if real else refusing_writes(world.rows),
            )
        finally:
            world.close()


def test_jobs_that_find_the_disk_of_postgres_full_go_on_when_there_is_room(
    stack: Stack, tmp_path: Path, place: Path, book: Book
) -> None:
    with small_postgres(stack, tmp_path, place) as (world, full):
        replica = world.replica(**SLOW)  # a second one may take over before the first has written what it met
        asked = world.ask_often(book, 4)
        until(lambda: world.job(asked[0]).get("checkpoint"), 60, "the first batch")
        with full(world):
            until(lambda: told(world), 60, "a batch that finds no room")
            done = world.rows.one(COMPLETED)
            asked += world.ask_often(book, 1)
            until(lambda: told(world) >= 6, 60, "further tries")
            assert world.rows.one(COMPLETED) == done < len(asked)
        jobs = [world.until_status(request_id, "completed", 90) for request_id in asked]
        assert {job["attempt"] for job in jobs} == {1}
        assert replica.running
        judge(world)


def told(world: FaultWorld) -> int:
    """How often the replicas said that Postgres has no room."""
    return sum(replica.log.read_text().count("53100") for replica in world.replicas)


def test_uploads_that_find_the_disk_of_the_service_full_go_on_when_there_is_room(
    fault_world: FaultWorld, book: Book
) -> None:
    world = fault_world
    if real := small_disk.possible():
        world.within = partial(small_disk.command, world.scratch, KIBIBYTES)
    replicas = [world.replica(MIGRATION_MAX_ATTEMPTS="1", **CALM) for _ in range(2)]
    with no_room_for(replicas, world.scratch, real=real):
        asked = [upload(world, book), world.ask(book)]
        for request_id in asked:
            waits = partial(tried_again, world, request_id)
            until(waits, 60, "a second try of what may be tried once")
    for request_id in asked:
        assert world.until_status(request_id, "completed")["attempt"] == 1
    assert all(replica.running for replica in replicas)
    judge(world)


def upload(world: FaultWorld, book: Book) -> str:
    """Send a workbook through Kafka and ask for it."""
    sent = asyncio.run(send_file(world.line.connection, book.path, book.path.name))
    source = {"type": "excel", "file": {"upload": sent.model_dump(mode="json")}}
    request_id = world.line.start(source)
    world.expect(request_id, book)
    return request_id


def tried_again(world: FaultWorld, request_id: str) -> bool:
    """Waited, was claimed, waits, and was claimed once more."""
    job = world.job(request_id)
    assert job.get("status") != "failed", job["error_message"]
    return bool(job and job["sequence"] >= 4 and job["error_code"] == "source_unavailable")
