"""Intake on a Postgres of its own; Kafka is a list that dead letters are put into."""

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from consumer.happenings import Happening
from consumer.intake.intake import Intake
from consumer.intake.letters import DeadLetters
from consumer.store.database import Database
from messaging.records import Outgoing
from tests.integration.store.making import LIMITS


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


class Kafka:
    """Acknowledges what it is given, as long as it is well, but for the calls it is told to refuse."""

    def __init__(self) -> None:
        self.letters: list[Outgoing] = []
        self.is_well = True
        self.calls = 0
        self.refused_calls: set[int] = set()

    async def publish(self, messages: Sequence[Outgoing]) -> list[bool]:
        self.calls += 1
        takes = self.is_well and self.calls not in self.refused_calls
        self.letters += messages if takes else ()
        return [takes] * len(messages)

    def reasons(self) -> list[str]:
        return [dict(letter.headers)["dlq-reason"].decode() for letter in self.letters]


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


@pytest.fixture
def counted() -> list[Happening]:
    return []


@pytest.fixture
def intake(database: Database, kafka: Kafka, counted: list[Happening]) -> Intake:
    async def topic_id() -> str:
        return "topic"

    letters = DeadLetters(kafka.publish, lambda _: True, counted.append)
    return Intake(database, letters, LIMITS, ["chats"], topic_id, counted.append)
