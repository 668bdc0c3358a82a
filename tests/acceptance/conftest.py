"""A whole world for acceptance tests: Kafka, a fresh database, an inbox, replicas as processes."""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consumer.store import migrate
from devstack.ports import free_ports
from devstack.service import ServiceProcess
from devstack.stack import Stack
from tests.support.database_inspector import DatabaseInspector
from tests.support.kafka_client import KafkaClient


class Harness:
    """What a test has to play with; every module of tests gets a database of its own."""

    def __init__(self, stack: Stack, folder: Path, template: str | None = None) -> None:
        self.stack = stack
        self.folder = folder
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.database_name = f"acceptance_{uuid.uuid4().hex[:12]}"
        self.dsn = stack.create_database(self.database_name, template or "template1")
        if template is None:
            asyncio.run(migrate.upgrade(self.dsn))
        self.kafka = KafkaClient(stack.bootstrap_servers)
        self.db = DatabaseInspector(self.dsn)
        self.replicas: list[ServiceProcess] = []

    def environment(self, **more: str) -> dict[str, str]:
        """What a replica is told."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.stack.bootstrap_servers,
            "DATABASE_URL": self.dsn,
            "MIGRATION_INBOX": str(self.inbox),
            "MIGRATION_SCRATCH": str(self.scratch),
            "MIGRATION_HTTP_HOST": "127.0.0.1",
            "MIGRATION_HTTP_PORT": str(free_port()),
            "MIGRATION_LOG_FORMAT": "json",
            **more,
        }

    def start_replica(self, **more: str) -> ServiceProcess:
        """Start a replica of the service."""
        number = len(self.replicas) + 1
        service = ServiceProcess(
            self.environment(**more), self.folder / f"service-{number}.log", name=f"replica {number}"
        )
        self.replicas.append(service)
        return service.start()

    def cli_environment(self, service: ServiceProcess) -> dict[str, str]:
        """What the command `migration` is told."""
        return {"KAFKA_BOOTSTRAP_SERVERS": self.stack.bootstrap_servers, "MIGRATION_HTTP_URL": service.url}

    def close(self) -> None:
        """End every replica, remove the database."""
        for replica in self.replicas:
            replica.stop()
        self.stack.drop_database(self.database_name)


def free_port() -> int:
    """A port nobody listens on, out of those that no client of another test is given."""
    [port] = free_ports(1)
    return port


@pytest.fixture(scope="module")
def make_harness(
    stack: Stack, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Harness]]:
    """Worlds that end with the module."""
    worlds: list[Harness] = []

    def make() -> Harness:
        worlds.append(Harness(stack, tmp_path_factory.mktemp("world"), template_database))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


@pytest.fixture(scope="module")
def harness(make_harness: Callable[[], Harness]) -> Harness:
    """The world of this module."""
    return make_harness()


@pytest.fixture(scope="module")
def service(harness: Harness) -> ServiceProcess:
    """One replica that lives through the module."""
    return harness.start_replica()
