"""What `/healthz`, `/readyz` and `/metrics` look at: long-lived tasks, Kafka's brokers, the event loop."""

import time
from collections.abc import Callable

from consumer.relay.outbox_progress import OutboxProgress
from consumer.runtime.health import HealthRegistry
from consumer.runtime.loop_lag import LoopLag
from consumer.telemetry.metrics import GaugeSources, Metrics
from messaging.consumer import GroupConsumer

BROKER_SILENCE_SECONDS = 12.0
"""Brokers that say nothing are asked every 4 s; an outage is told within 15 s."""
NOT_CONNECTED = "not connected yet"


class Monitoring:
    """What is known of the life of a replica; every part of it gets its pulse here, by name.

    `running` tells how many jobs run in it.
    """

    def __init__(self, running_jobs: Callable[[], int]) -> None:
        self.health = HealthRegistry()
        self.heartbeat_for = self.health.heartbeat_for
        self.loop_lag = LoopLag()
        self.outbox_progress = OutboxProgress()
        unchanged = self.outbox_progress.unchanged_seconds
        self.metrics = Metrics(
            GaugeSources(running_jobs, self.loop_lag.max_lag, self.health.seconds_since_progress, unchanged)
        )
        self._consumer: GroupConsumer | None = None

        async def outbox() -> str | None:
            return self.outbox_progress.failure()

        self.health.add_readiness_check("outbox", outbox)

    def monitor_consumer(self, consumer: GroupConsumer) -> None:
        """Count the intake as stuck where its consumer is, and Kafka as away where its brokers are silent."""

        async def kafka() -> str | None:
            return self.kafka_failure()

        self._consumer = consumer
        self.health.register("intake", last_progress=consumer.last_progress)
        self.health.add_readiness_check("kafka", kafka)

    def kafka_failure(self) -> str | None:
        """Why Kafka cannot be used now, as far as the intake's consumer knows; None while it can."""
        if self._consumer is None:
            return NOT_CONNECTED
        return self._consumer.failure() or _broker_silence(self._consumer.last_broker_response())


def _broker_silence(last_response: float | None) -> str | None:
    if last_response is None:
        return NOT_CONNECTED
    silent = time.monotonic() - last_response
    return f"no answer from the brokers for {silent:.0f} s" if silent > BROKER_SILENCE_SECONDS else None
