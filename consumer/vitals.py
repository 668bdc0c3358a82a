"""What `/healthz` and `/readyz` look at: the long-lived tasks, and the brokers of Kafka."""

import time

from consumer.http.health import Health
from messaging.consumer import GroupConsumer

KAFKA_SILENT_SECONDS = 12.0
"""Brokers that say nothing are asked every 4 s; an outage is told within 15 s."""


class Vitals:
    """What is known of the life of a replica; every part of it gets its pulse here, by name."""

    def __init__(self) -> None:
        self.health = Health()
        self.pulse = self.health.pulse

    def watch(self, consumer: GroupConsumer) -> None:
        """Count the intake as stuck where its consumer is, and Kafka as away where its brokers are silent."""

        async def kafka() -> str | None:
            return _silence(consumer.last_answer())

        self.health.expect("intake", last=consumer.last_progress)
        self.health.ready_when("kafka", kafka)


def _silence(last: float | None) -> str | None:
    if last is None:
        return "not connected yet"
    silent = time.monotonic() - last
    return f"no answer from the brokers for {silent:.0f} s" if silent > KAFKA_SILENT_SECONDS else None
