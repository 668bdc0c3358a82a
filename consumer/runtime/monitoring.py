"""Sources of `/healthz`, `/readyz` and `/metrics`: task heartbeats, brokers, outbox, event loop."""

import time
from collections.abc import Callable

from consumer.relay.outbox_progress import OutboxProgress
from consumer.runtime.health import HealthRegistry
from consumer.runtime.loop_lag import LoopLag
from consumer.telemetry.metrics import GaugeSources, Metrics
from messaging.consumer import GroupConsumer

BROKER_SILENCE_SECONDS = 12.0
"""Idle brokers are asked every 4 s (`poll_loop.IDLE_PROBE_SECONDS`): an outage shows within 15 s."""
NOT_CONNECTED = "not connected yet"


class Monitoring:
    """Health, metrics and loop lag of one replica. `running_jobs` returns the number of jobs it runs."""

    def __init__(self, running_jobs: Callable[[], int]) -> None:
        self.health = HealthRegistry()
        self.loop_lag = LoopLag()
        self.outbox_progress = OutboxProgress()
        self.metrics = Metrics(
            GaugeSources(
                running_jobs,
                self.loop_lag.max_lag,
                self.health.seconds_since_progress,
                self.outbox_progress.unchanged_seconds,
            )
        )
        self._consumer: GroupConsumer | None = None

        async def outbox() -> str | None:
            return self.outbox_progress.failure()

        self.health.add_readiness_check("outbox", outbox)

    def monitor_consumer(self, consumer: GroupConsumer) -> None:
        """Make readiness depend on this consumer, and on responses of the brokers to it."""

        async def kafka() -> str | None:
            return self.kafka_failure()

        self._consumer = consumer
        self.health.add_readiness_check("kafka", kafka)

    def kafka_failure(self) -> str | None:
        """Why Kafka cannot be used now, judged by the intake's consumer; None while it can."""
        if self._consumer is None:
            return NOT_CONNECTED
        return self._consumer.failure() or _broker_silence(self._consumer.last_broker_response())


def _broker_silence(last_response: float | None) -> str | None:
    if last_response is None:
        return NOT_CONNECTED
    silent = time.monotonic() - last_response
    return f"no answer from the brokers for {silent:.0f} s" if silent > BROKER_SILENCE_SECONDS else None
