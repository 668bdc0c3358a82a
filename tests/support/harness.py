"""The service and its surroundings: Kafka, a database of its own, an inbox, replicas as processes."""

import asyncio
import uuid
from pathlib import Path

from consumer.store import migrate
from devstack.ports import free_ports
from devstack.service import ServiceProcess
from devstack.stack import Stack
from tests.support.database_inspector import DatabaseInspector
from tests.support.kafka_client import KafkaClient


class Harness:
    """Kafka, a database of its own, folders, and replicas that it starts and ends."""

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
        """The environment of a replica."""
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
        """The environment of the command `migration`."""
        return {"KAFKA_BOOTSTRAP_SERVERS": self.stack.bootstrap_servers, "MIGRATION_HTTP_URL": service.url}

    def close(self) -> None:
        """Stop every replica, drop the database."""
        for replica in self.replicas:
            replica.stop()
        self.stack.drop_database(self.database_name)


def free_port() -> int:
    """A free port out of the range of this worker."""
    [port] = free_ports(1)
    return port
