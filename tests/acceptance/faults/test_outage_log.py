"""While Postgres is away the service's log says so once, without a traceback; and once when it is back."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer.store import migrate
from devstack.postgres import Postgres
from devstack.service import ServiceProcess
from tests.support.dedicated_postgres import start_dedicated_postgres
from tests.support.harness import free_port
from tests.support.wait import wait_until

pytestmark = pytest.mark.serial

RETRIES = 6
"""Of the task that listens for notifications: 0.5 + 1 + 2 + 4 + 5 s, so the pools try for 12 s as well."""
NO_KAFKA = "127.0.0.1:1"


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A server of this test's own, with the schema of the service."""
    with start_dedicated_postgres() as made:
        asyncio.run(migrate.upgrade(made.url))
        yield made


@pytest.fixture
def service(postgres: Postgres, tmp_path: Path) -> Iterator[ServiceProcess]:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": NO_KAFKA,
        "DATABASE_URL": postgres.url,
        "MIGRATION_INBOX": str(tmp_path),
        "MIGRATION_SCRATCH": str(tmp_path),
        "MIGRATION_HTTP_HOST": "127.0.0.1",
        "MIGRATION_HTTP_PORT": str(free_port()),
        "MIGRATION_LOG_FORMAT": "json",
    }
    started = ServiceProcess(environment, tmp_path / "service.log").launch()
    yield started
    started.stop()


def _retries(service: ServiceProcess) -> int:
    return sum(line["task"] == "listener" for line in service.log_events("task.retrying"))


def _outage(postgres: Postgres, service: ServiceProcess, nth: int) -> None:
    before = _retries(service)
    postgres.server.stop()
    wait_until(lambda: _retries(service) >= before + RETRIES, 60, "an outage of some seconds")
    postgres.server.start()
    wait_until(lambda: len(service.log_events("database.outage_ended")) == nth, 60, "a connection")


def test_each_outage_is_logged_once_without_traceback(postgres: Postgres, service: ServiceProcess) -> None:
    wait_until(lambda: service.log_events("service.started"), 60, "a service that runs")
    _outage(postgres, service, 1)
    _outage(postgres, service, 2)
    assert len(service.log_events("database.outage_started")) == 2
    assert all(line["seconds"] > 5 for line in service.log_events("database.outage_ended"))
    assert [line for line in service.log_lines() if "exception" in line] == []
    assert [line for line in service.log_lines() if line.get("logger", "").startswith("asyncpg")] == []
