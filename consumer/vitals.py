"""What `/healthz` and `/readyz` look at: the long-lived tasks, Postgres, and the reading of requests."""

import time

from consumer.http.health import Health
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailable
from messaging.consumer import GroupConsumer
from schemas.topics import REQUESTS

KAFKA_SILENT_SECONDS = 30.0
RELAY_SECONDS = 300.0
"""One publish may sit through an outage of Kafka for two minutes: that is no reason to restart us."""


class Vitals:
    """Wires the parts of a replica to its health."""

    def __init__(self, health: Health, database: Database, consumer: GroupConsumer) -> None:
        self._database = database
        self._consumer = consumer
        self._begun = consumer.last_progress()
        health.expect("intake", last=consumer.last_progress)
        health.expect("worker")
        health.expect("relay", limit=RELAY_SECONDS)
        health.ready_when("postgres", self._postgres_answers)
        health.ready_when("kafka", self._requests_are_read)

    async def _postgres_answers(self) -> str | None:
        try:
            async with self._database.transaction() as connection:
                await connection.execute("select 1")
        except DatabaseUnavailable as error:
            return str(error)
        return None

    async def _requests_are_read(self) -> str | None:
        last = self._consumer.last_progress()
        if last == self._begun:
            return "not connected yet"
        silent = time.monotonic() - last
        return f"no poll of {REQUESTS.name} for {silent:.0f} s" if silent > KAFKA_SILENT_SECONDS else None
