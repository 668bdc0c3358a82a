"""A harness for faults: replicas behind proxies, short leases, small batches, and what the oracle expects."""

import shutil
import signal
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from consumer.runtime.failpoints import environment as failpoint_environment
from devstack.service import ServiceProcess
from devstack.stack import Stack
from schemas.status import StatusEvent
from schemas.topics import DEAD_LETTERS
from tests.support.faults import consumer_group
from tests.support.faults.cluster import Cluster
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import read_status_events, read_topic
from tests.support.faults.postgres_proxy import PostgresProxy
from tests.support.harness import Harness
from tests.support.kafka_client import KafkaClient, dead_letter_reason, inbox_source, start_body
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import ExpectedLoad
from tests.support.wait import wait_until

BATCH_ROWS = 300
FAST_SETTINGS = {
    "MIGRATION_BATCH_ROWS": str(BATCH_ROWS),
    "MIGRATION_LEASE_SECONDS": "2",
    "MIGRATION_HEARTBEAT_SECONDS": "0.5",
}
LONG_LEASES = {"MIGRATION_LEASE_SECONDS": "8", "MIGRATION_HEARTBEAT_SECONDS": "1"}
"""For tests in which a lease must not be lost by a busy machine."""


class FaultHarness(Harness):
    """A harness whose replicas reach Postgres, and Kafka where a cluster is given, by way of proxies.

    Queries of the test itself bypass them. Every harness has a database of its own.
    """

    def __init__(
        self, stack: Stack, folder: Path, cluster: Cluster | None = None, template: str | None = None
    ) -> None:
        super().__init__(stack, folder, template)
        self.tmpdir = folder / "tmp"
        self.tmpdir.mkdir()
        self.cluster = cluster
        self.postgres_proxy = PostgresProxy(self.dsn)
        self.bootstrap_servers = cluster.direct_bootstrap_servers if cluster else stack.bootstrap_servers
        self.kafka = KafkaClient(self.bootstrap_servers)
        consumer_group.remove_members(self.bootstrap_servers)
        consumer_group.skip_to_end(
            self.bootstrap_servers
        )  # messages left by a failed test are not for this harness
        self.expected_directory = Directory()
        self.expected_loads: dict[str, ExpectedLoad] = {}
        self.phones: set[str] = set()
        self.secrets = [urlsplit(self.dsn).password or ""]
        self.wrap_command: Callable[[list[str]], list[str]] = list
        """What the command of a replica is put into."""

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a replica."""
        kafka = self.cluster.bootstrap_servers if self.cluster else self.bootstrap_servers
        by_proxy = {"DATABASE_URL": self.postgres_proxy.dsn, "KAFKA_BOOTSTRAP_SERVERS": kafka}
        return super().environment(**(by_proxy | {"TMPDIR": str(self.tmpdir)} | FAST_SETTINGS | more))

    def launch(self, failpoints: str = "", *, module: str = "consumer", **more: str) -> ServiceProcess:
        """Start a replica, by another module maybe; it may not become ready for long, or die before."""
        if not any(replica.running for replica in self.replicas):
            consumer_group.remove_members(self.bootstrap_servers)
        number = len(self.replicas) + 1
        environment = self.environment(**failpoint_environment(failpoints), **more)
        log = self.folder / f"service-{number}.log"
        service = ServiceProcess(
            environment, log, name=f"replica {number}", module=module, wrap_command=self.wrap_command
        )
        self.replicas.append(service)
        return service.launch()

    def start_replica(self, failpoints: str = "", **more: str) -> ServiceProcess:
        """Start a replica with armed faults, and wait until it is ready."""
        return self.launch(failpoints, **more).wait_until_ready()

    def request_import(self, workbook: GoldenWorkbook, **more: Any) -> str:
        """Publish a request for a workbook; what comes of it is expected from now on."""
        request_id = self.kafka.start_excel(self.add_to_inbox(workbook), **more)
        self.expect_import(request_id, workbook)
        return request_id

    def request_imports(self, workbook: GoldenWorkbook, count: int) -> list[str]:
        """Publish so many requests for the same workbook at once."""
        request_ids = [str(uuid.uuid4()) for _ in range(count)]
        source = inbox_source(self.add_to_inbox(workbook))
        self.kafka.publish_all(start_body(request_id, source) for request_id in request_ids)
        for request_id in request_ids:
            self.expect_import(request_id, workbook)
        return request_ids

    def add_to_inbox(self, workbook: GoldenWorkbook) -> str:
        """The path of a workbook in the inbox, where it is from now on."""
        path = self.inbox / workbook.path.name
        if not path.exists():
            shutil.copy(workbook.path, path)
        return path.name

    def expect_import(self, request_id: str, workbook: GoldenWorkbook) -> None:
        """Have the oracle look for what a request for a workbook makes."""
        self.phones |= workbook.phones
        self.expected_directory, self.expected_loads[request_id] = workbook.load_into(self.expected_directory)

    def truncate_directory(self) -> None:
        """Begin again with an empty directory; the jobs of before stay."""
        self.db.fetch("truncate directory.universities cascade")
        self.expected_directory = Directory()

    def events(self, request_id: str) -> list[StatusEvent]:
        """All published events of a request, in order."""
        return read_status_events(self.bootstrap_servers, request_id)

    def dead_letter_reasons(self, request_id: str) -> list[str]:
        """Why messages of a request went to the dead letters."""
        records = read_topic(self.bootstrap_servers, DEAD_LETTERS.name)
        return [dead_letter_reason(record) for record in records if record.key == request_id.encode()]

    def job(self, request_id: str) -> dict[str, Any]:
        """The row of a job; empty before there is one."""
        return self.db.job(request_id)

    def wait_for_status(self, request_id: str, status: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for a job to be in a state; its row."""
        has_status = partial(self._has_status, request_id, status)
        wait_until(has_status, seconds, f"the job to be {status}")
        return self.job(request_id)

    def request_retry(self, request_id: str) -> None:
        """Ask for another run, and wait until it was begun."""
        before = self.job(request_id)["run"]
        self.kafka.command("retry", request_id)
        wait_until(lambda: self.job(request_id)["run"] > before, 60, "the retry to be obeyed")

    def _has_status(self, request_id: str, status: str) -> bool:
        """Whether a job is in a state; one that ended in another never will be."""
        job = self.job(request_id)
        found = job.get("status")
        if found != status and found in ("completed", "failed"):
            raise AssertionError(f"the job is {found}: {job['error_code']} {job['error_message']}")
        return bool(found == status)

    def wait_killed(self, service: ServiceProcess, seconds: float = 60) -> None:
        """Wait until a replica was killed by its fault."""
        assert service.wait(seconds) == -signal.SIGKILL, service.log_tail()

    def wait_frozen(self, service: ServiceProcess, seconds: float = 60) -> None:
        """Wait until a replica was frozen by its fault."""
        status = psutil.Process(service.pid).status
        wait_until(lambda: status() == psutil.STATUS_STOPPED, seconds, f"{service.name} to be frozen")

    def resume(self, service: ServiceProcess) -> None:
        """Have a frozen replica go on."""
        service.signal(signal.SIGCONT)

    def close(self) -> None:
        """End everything, whatever state it is in."""
        for replica in self.replicas:
            replica.kill()
        self.postgres_proxy.close()
        self.db.close()
        self.stack.drop_database(self.database_name)
