from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devstack.stack import Stack
from messaging.connection import KafkaConnection
from messaging.topics import ensure_topics
from tests.integration.producer_cli.playing import Cli, Service, environment_of
from tests.support.faults import group


@pytest.fixture(scope="module", autouse=True)
def nobody_reads(stack: Stack) -> None:
    """Who commits for the group without being a member may not find one in it, dead ones included."""
    group.bury(stack.bootstrap_servers)


@pytest.fixture
async def service(kafka_bootstrap: str) -> AsyncIterator[Service]:
    connection = KafkaConnection(kafka_bootstrap)
    await ensure_topics(connection)
    async with Service.playing(connection) as service:
        yield service


@pytest.fixture
def cli(kafka_bootstrap: str, tmp_path: Path) -> Cli:
    return Cli(environment_of(kafka_bootstrap, tmp_path), tmp_path)
