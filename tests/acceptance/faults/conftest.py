"""A world to be broken: replicas by way of proxies, quick leases, small batches, and an oracle at its end."""

import shutil
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from devstack.stack import Stack
from schemas.status import MigrationStatus
from schemas.topics import DEAD_LETTERS
from tests.acceptance.conftest import World
from tests.support.faults import group
from tests.support.faults.books import Book
from tests.support.faults.cluster import Cluster, proxied_cluster
from tests.support.faults.oracle import events_of, past
from tests.support.faults.postgres import PostgresProxy
from tests.support.line import Line, inbox_file, reason, start
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import Load
from tests.support.service import Service
from tests.support.wait import until

ROWS = 2_400
BATCH_ROWS = 300
QUICK = {
    "MIGRATION_BATCH_ROWS": str(BATCH_ROWS),
    "MIGRATION_LEASE_SECONDS": "2",
    "MIGRATION_HEARTBEAT_SECONDS": "0.5",
}
CALM = {"MIGRATION_LEASE_SECONDS": "8", "MIGRATION_HEARTBEAT_SECONDS": "1"}
"""For tests in which a lease must not be lost by a busy machine."""


class FaultWorld(World):
    """A world whose replicas reach Postgres, and Kafka where a cluster is given, by way of proxies.

    What the test itself asks goes past them. Every world has a database of its own.
    """

    def __init__(
        self, stack: Stack, folder: Path, cluster: Cluster | None = None, template: str | None = None
    ) -> None:
        super().__init__(stack, folder, template)
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.cluster = cluster
        self.postgres = PostgresProxy(self.dsn)
        self.bootstrap_servers = cluster.direct if cluster else stack.bootstrap_servers
        self.line = Line(self.bootstrap_servers)
        group.bury(self.bootstrap_servers)
        group.skip(self.bootstrap_servers)  # what a test that failed has left there is not for this world
        self.directory = Directory()
        self.expected: dict[str, Load] = {}
        self.phones: set[str] = set()
        self.secrets = [urlsplit(self.dsn).password or ""]
        self.within: Callable[[list[str]], list[str]] = list
        """What the command of a replica is put into."""

    def environment(self, **more: str) -> dict[str, str]:
        """What a replica is told."""
        kafka = self.cluster.bootstrap_servers if self.cluster else self.bootstrap_servers
        by_proxy = {"DATABASE_URL": self.postgres.dsn, "KAFKA_BOOTSTRAP_SERVERS": kafka}
        return super().environment(**(by_proxy | {"TMPDIR": str(self.temporary)} | QUICK | more))

    def launch(self, faults: str = "", *, module: str = "consumer", **more: str) -> Service:
        """Start a replica, by another module maybe; it may not become ready for long, or die before."""
        if not any(replica.running for replica in self.replicas):
            group.bury(self.bootstrap_servers)
        number = len(self.replicas) + 1
        environment = self.environment(MIGRATION_FAULTS=faults, **more)
        log = self.folder / f"service-{number}.log"
        service = Service(environment, log, name=f"replica {number}", module=module, within=self.within)
        self.replicas.append(service)
        return service.launch()

    def replica(self, faults: str = "", **more: str) -> Service:
        """Start a replica with armed faults, and wait until it is ready."""
        return self.launch(faults, **more).until_ready()

    def ask(self, book: Book, **more: Any) -> str:
        """Publish a request for a workbook; what comes of it is expected from now on."""
        request_id = self.line.start_excel(self.put(book), **more)
        self.expect(request_id, book)
        return request_id

    def ask_often(self, book: Book, times: int) -> list[str]:
        """Publish so many requests for the same workbook at once."""
        asked = [str(uuid.uuid4()) for _ in range(times)]
        source = inbox_file(self.put(book))
        self.line.publish_all(start(request_id, source) for request_id in asked)
        for request_id in asked:
            self.expect(request_id, book)
        return asked

    def put(self, book: Book) -> str:
        """The path of a workbook in the inbox, where it is from now on."""
        path = self.inbox / book.path.name
        if not path.exists():
            shutil.copy(book.path, path)
        return path.name

    def expect(self, request_id: str, book: Book) -> None:
        """Have the oracle look for what a request for a workbook makes."""
        self.phones |= book.phones
        self.directory, self.expected[request_id] = book.into(self.directory)

    def empty(self) -> None:
        """Begin again with an empty directory; the jobs of before stay."""
        self.rows.ask("truncate directory.universities cascade")
        self.directory = Directory()

    def events(self, request_id: str) -> list[MigrationStatus]:
        """Everything that lies in the topic about a request, in order."""
        return events_of(self.bootstrap_servers, request_id)

    def dead_letters(self, request_id: str) -> list[str]:
        """Why messages of a request went to the dead letters."""
        letters = past(self.bootstrap_servers, DEAD_LETTERS.name)
        return [reason(letter) for letter in letters if letter.key == request_id.encode()]

    def job(self, request_id: str) -> dict[str, Any]:
        """The row of a job; empty before there is one."""
        return self.rows.job(request_id)

    def until_status(self, request_id: str, status: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for a job to be in a state; its row."""
        there = partial(self._is, request_id, status)
        until(there, seconds, f"the job to be {status}")
        return self.job(request_id)

    def retry(self, request_id: str) -> None:
        """Ask for another run, and wait until it was begun."""
        before = self.job(request_id)["run"]
        self.line.command("retry", request_id)
        until(lambda: self.job(request_id)["run"] > before, 60, "the retry to be obeyed")

    def _is(self, request_id: str, status: str) -> bool:
        """Whether a job is in a state; one that ended in another never will be."""
        job = self.job(request_id)
        found = job.get("status")
        if found != status and found in ("completed", "failed"):
            raise AssertionError(f"the job is {found}: {job['error_code']} {job['error_message']}")
        return bool(found == status)

    def until_killed(self, service: Service, seconds: float = 60) -> None:
        """Wait until a replica was killed by its fault."""
        assert service.wait(seconds) == -signal.SIGKILL, service.tail()

    def until_frozen(self, service: Service, seconds: float = 60) -> None:
        """Wait until a replica was frozen by its fault."""
        status = psutil.Process(service.pid).status
        until(lambda: status() == psutil.STATUS_STOPPED, seconds, f"{service.name} to be frozen")

    def wake(self, service: Service) -> None:
        """Have a frozen replica go on."""
        service.signal(signal.SIGCONT)

    def close(self) -> None:
        """End everything, whatever state it is in."""
        for replica in self.replicas:
            replica.kill()
        self.postgres.close()
        self.stack.drop_database(self.database)


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A workbook of eight batches."""
    return Book.make(tmp_path_factory.mktemp("books") / "chats.xlsx", ROWS)


@pytest.fixture(scope="session")
def small_book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A workbook of one batch."""
    return Book.make(tmp_path_factory.mktemp("books") / "few.xlsx", BATCH_ROWS - 50, seed=6)


@pytest.fixture(scope="session")
def short_book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A workbook of three batches. No row is wrong: a batch stored twice meets no key of a rejected row."""
    return Book.make(tmp_path_factory.mktemp("books") / "short.xlsx", 3 * BATCH_ROWS, seed=7, wrong=0)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One broker behind a proxy, for this module alone."""
    with proxied_cluster() as running:
        yield running


@pytest.fixture
def make_fault_world(stack: Stack, template: str, tmp_path: Path) -> Iterator[Callable[..., FaultWorld]]:
    """Worlds that end with the test."""
    with ExitStack() as worlds:

        def make(cluster: Cluster | None = None) -> FaultWorld:
            made = FaultWorld(stack, tmp_path, cluster, template)
            worlds.callback(made.close)
            return made

        yield make


@pytest.fixture
def fault_world(make_fault_world: Callable[..., FaultWorld]) -> FaultWorld:
    """A world of this test alone. Each test ends with the oracle's `judge`."""
    return make_fault_world()
