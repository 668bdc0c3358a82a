"""What `/healthz`, `/readyz` and `/metrics` look at: long-lived tasks, Kafka's brokers, the event loop."""

import time
from collections.abc import Callable

from consumer.health import Health
from consumer.loop_lag import LoopLag
from consumer.metrics import Metrics, Present
from consumer.relay.progress import OutboxProgress
from messaging.consumer import GroupConsumer

KAFKA_SILENT_SECONDS = 12.0
"""Brokers that say nothing are asked every 4 s; an outage is told within 15 s."""
NOT_CONNECTED = "not connected yet"


class Vitals:
    """What is known of the life of a replica; every part of it gets its pulse here, by name.

    `running` tells how many jobs run in it.
    """

    def __init__(self, running: Callable[[], int]) -> None:
        self.health = Health()
        self.pulse = self.health.pulse
        self.lag = LoopLag()
        self.outbox_progress = OutboxProgress()
        unchanged = self.outbox_progress.unchanged_seconds
        self.metrics = Metrics(Present(running, self.lag.worst, self.health.progress, unchanged))
        self._consumer: GroupConsumer | None = None

        async def outbox() -> str | None:
            return self.outbox_progress.problem()

        self.health.ready_when("outbox", outbox)

    def watch(self, consumer: GroupConsumer) -> None:
        """Count the intake as stuck where its consumer is, and Kafka as away where its brokers are silent."""

        async def kafka() -> str | None:
            return self.kafka_trouble()

        self._consumer = consumer
        self.health.expect("intake", last=consumer.last_progress)
        self.health.ready_when("kafka", kafka)

    def kafka_trouble(self) -> str | None:
        """Why Kafka cannot be used now, as far as the intake's consumer knows; None while it can."""
        if self._consumer is None:
            return NOT_CONNECTED
        return self._consumer.trouble() or _silence(self._consumer.last_answer())


def _silence(last: float | None) -> str | None:
    if last is None:
        return NOT_CONNECTED
    silent = time.monotonic() - last
    return f"no answer from the brokers for {silent:.0f} s" if silent > KAFKA_SILENT_SECONDS else None
