"""Intake with a real Postgres; Kafka is a list of dead letters."""

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from consumer.intake.dead_letters import DeadLetterPublisher
from consumer.intake.intake import Intake
from consumer.store.database import Database
from consumer.telemetry.events import TelemetryEvent
from messaging.records import ProducerRecord
from tests.support.job_factories import LIMITS


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


class FakeKafka:
    """Acknowledges records, except in the calls that a test has it reject."""

    def __init__(self) -> None:
        self.dead_letters: list[ProducerRecord] = []
        self.is_available = True
        self.calls = 0
        self.failing_calls: set[int] = set()

    async def publish(self, messages: Sequence[ProducerRecord]) -> list[bool]:
        self.calls += 1
        takes = self.is_available and self.calls not in self.failing_calls
        self.dead_letters += messages if takes else ()
        return [takes] * len(messages)

    def reasons(self) -> list[str]:
        return [dict(dead_letter.headers)["dlq-reason"].decode() for dead_letter in self.dead_letters]


@pytest.fixture
def fake_kafka() -> FakeKafka:
    return FakeKafka()


@pytest.fixture
def telemetry_events() -> list[TelemetryEvent]:
    return []


@pytest.fixture
def intake(database: Database, fake_kafka: FakeKafka, telemetry_events: list[TelemetryEvent]) -> Intake:
    async def topic_id() -> str:
        return "topic"

    publisher = DeadLetterPublisher(fake_kafka.publish, lambda _: True, telemetry_events.append)
    return Intake(database, publisher, LIMITS, ["chats"], topic_id, telemetry_events.append)
