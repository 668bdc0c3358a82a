"""Prometheus metrics of this process: counters fed by telemetry events, gauges read at each scrape."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from consumer.telemetry.events import (
    BatchStored,
    EventShortened,
    EventsPublished,
    JobClaimed,
    JobRescued,
    LeaseLostEvent,
    RateLimitWaited,
    RequestRecorded,
    RequestRejected,
    TelemetryEvent,
)
from schemas.codes import DeadLetterReason
from schemas.version import VERSION

PREFIX = "chat_migration"
BATCH_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 150.0)
"""Seconds; the last one is the time limit of a batch."""
ROW_OUTCOMES = ("inserted", "updated", "unchanged", "duplicates", "failed", "checked")
REQUEST_KINDS = ("started", "duplicate", "cancel", "retry")


@dataclass(frozen=True, slots=True)
class GaugeSources:
    """Functions whose values are read at each scrape."""

    running_jobs: Callable[[], int]
    max_loop_lag: Callable[[], float]
    seconds_since_progress: Callable[[], Mapping[str, float]]
    outbox_unchanged_seconds: Callable[[], float]


class Metrics:
    """The registry of this process, and the sink that counts its events."""

    def __init__(self, gauges: GaugeSources) -> None:
        # No second series with the creation time of each counter.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        build = Info("build", "The version of this process", namespace=PREFIX, registry=self.registry)
        build.info({"version": VERSION})
        self._claims = self._counter("claims", "Jobs claimed by this process")
        self._rescues = self._counter("rescues", "Jobs put back (or ended) because their owner was gone")
        self._leases_lost = self._counter("leases_lost", "Jobs of this process that another one took over")
        self._rows = self._counter(
            "rows", "Rows stored, rejected or checked by this process, by outcome", "outcome", ROW_OUTCOMES
        )
        self._batches = Histogram(
            "batch_seconds",
            "Seconds that storing one batch took, its repeats included",
            namespace=PREFIX,
            registry=self.registry,
            buckets=BATCH_BUCKETS,
        )
        self._rate_limit_waits = self._counter(
            "rate_limit_waits", "How often a source had to wait for its quota"
        )
        self._rate_limit_wait_seconds = self._counter("rate_limit_wait_seconds", "Seconds waited for a quota")
        self._events = self._counter("events_published", "Status events that Kafka acknowledged")
        self._shortened = self._counter("events_shortened", "Status events too large to be sent whole")
        self._recorded = self._counter(
            "requests_recorded", "Messages taken from the requests topic, by kind", "kind", REQUEST_KINDS
        )
        self._rejected = self._counter(
            "requests_rejected",
            "Messages sent to the dead letters, by reason",
            "reason",
            [reason.value for reason in DeadLetterReason],
        )
        self._gauge("jobs_running", "Jobs that run in this process", gauges.running_jobs)
        self._gauge(
            "event_loop_lag_seconds_max",
            "The event loop's longest lag of the last minute",
            gauges.max_loop_lag,
        )
        self._gauge(
            "outbox_head_unchanged_seconds",
            "For how long status events have waited without any being published",
            gauges.outbox_unchanged_seconds,
        )
        self.registry.register(_TaskProgressCollector(gauges.seconds_since_progress))

    def _counter(self, name: str, description: str, label: str = "", values: Sequence[str] = ()) -> Counter:
        """A counter that starts with 0 for each value of its label."""
        counter = Counter(
            name, description, [label] if label else [], namespace=PREFIX, registry=self.registry
        )
        for value in values:
            counter.labels(value)
        return counter

    def _gauge(self, name: str, description: str, read: Callable[[], float]) -> None:
        Gauge(name, description, namespace=PREFIX, registry=self.registry).set_function(read)

    def record(self, event: TelemetryEvent) -> None:
        """Count an event."""
        match event:
            case JobClaimed():
                self._claims.inc()
            case JobRescued():
                self._rescues.inc()
            case LeaseLostEvent():
                self._leases_lost.inc()
            case BatchStored():
                self._record_batch(event)
            case RateLimitWaited(seconds):
                self._rate_limit_waits.inc()
                self._rate_limit_wait_seconds.inc(seconds)
            case EventsPublished(events):
                self._events.inc(events)
            case EventShortened():
                self._shortened.inc()
            case RequestRecorded(kind):
                self._recorded.labels(kind).inc()
            case RequestRejected(reason):
                self._rejected.labels(reason).inc()
            case _:
                assert_never(event)

    def _record_batch(self, batch: BatchStored) -> None:
        self._batches.observe(batch.seconds)
        for outcome in ROW_OUTCOMES:
            self._rows.labels(outcome).inc(getattr(batch, outcome))


class _TaskProgressCollector(Collector):
    """A gauge with one value for each kind of task that runs now."""

    def __init__(self, seconds_since_progress: Callable[[], Mapping[str, float]]) -> None:
        self._seconds_since_progress = seconds_since_progress

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Called by the registry at each scrape."""
        family = GaugeMetricFamily(
            f"{PREFIX}_task_seconds_since_progress",
            "Seconds since the last progress of each task",
            labels=["task"],
        )
        for kind, seconds in _max_by_kind(self._seconds_since_progress()).items():
            family.add_metric([kind], seconds)
        yield family


def _max_by_kind(seconds_since_progress: Mapping[str, float]) -> dict[str, float]:
    """The longest time of each kind of task: a series per job heartbeat would never be removed."""
    longest: dict[str, float] = {}
    for task, seconds in seconds_since_progress.items():
        kind = task.partition(" of ")[0]
        longest[kind] = max(seconds, longest.get(kind, 0.0))
    return longest
