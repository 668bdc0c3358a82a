from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from messaging.connection import KafkaConnection
from messaging.topics import ensure_topics
from tests.integration.producer_cli.playing import Cli, Service, environment_of


@pytest.fixture
async def service(kafka_bootstrap: str) -> AsyncIterator[Service]:
    connection = KafkaConnection(kafka_bootstrap)
    await ensure_topics(connection)
    async with Service.playing(connection) as service:
        yield service


@pytest.fixture
def cli(kafka_bootstrap: str, tmp_path: Path) -> Cli:
    return Cli(environment_of(kafka_bootstrap, tmp_path), tmp_path)
