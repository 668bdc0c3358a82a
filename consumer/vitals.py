"""What `/healthz` and `/readyz` look at: the long-lived tasks, Postgres, and the brokers of Kafka."""

import time

from consumer.http.health import Health
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailable
from messaging.consumer import GroupConsumer

KAFKA_SILENT_SECONDS = 40.0
"""Brokers are asked every 15 s while nothing arrives, and have 10 s to answer."""
RELAY_SECONDS = 300.0
"""One publish may sit through an outage of Kafka for two minutes: that is no reason to restart us."""


class Vitals:
    """Wires the parts of a replica to its health."""

    def __init__(self, health: Health, database: Database, consumer: GroupConsumer) -> None:
        self._database = database
        self._consumer = consumer
        health.expect("intake", last=consumer.last_progress)
        health.expect("worker")
        health.expect("relay", limit=RELAY_SECONDS)
        health.expect("retention")
        health.ready_when("postgres", self._postgres_answers)
        health.ready_when("kafka", self._kafka_answers)

    async def _postgres_answers(self) -> str | None:
        try:
            async with self._database.transaction() as connection:
                await connection.execute("select 1")
        except DatabaseUnavailable as error:
            return str(error)
        return None

    async def _kafka_answers(self) -> str | None:
        last = self._consumer.last_answer()
        if last is None:
            return "not connected yet"
        silent = time.monotonic() - last
        return f"no answer from the brokers for {silent:.0f} s" if silent > KAFKA_SILENT_SECONDS else None
