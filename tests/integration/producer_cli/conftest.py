from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devstack.stack import Stack
from messaging.connection import KafkaConnection
from messaging.topics import ensure_topics
from tests.integration.producer_cli.fake_service import CliRunner, FakeService, cli_environment
from tests.support.faults import consumer_group


@pytest.fixture(scope="module", autouse=True)
def empty_consumer_group(stack: Stack) -> None:
    """Kafka accepts commits from outside the group only while it has no members, dead ones included."""
    consumer_group.remove_members(stack.bootstrap_servers)


@pytest.fixture
async def fake_service(kafka_bootstrap: str) -> AsyncIterator[FakeService]:
    connection = KafkaConnection(kafka_bootstrap)
    await ensure_topics(connection)
    async with FakeService.started(connection) as service:
        yield service


@pytest.fixture
def cli(kafka_bootstrap: str, tmp_path: Path) -> CliRunner:
    return CliRunner(cli_environment(kafka_bootstrap, tmp_path), tmp_path)
