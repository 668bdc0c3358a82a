"""Counts what happens in this process, for `/metrics`: one registry, made with the service."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from consumer.happenings import (
    BatchStored,
    EventShortened,
    EventsPublished,
    Happening,
    JobClaimed,
    JobRescued,
    LeaseGone,
    QuotaWaited,
    RequestRecorded,
    RequestRejected,
)
from schemas.codes import DeadLetterReason
from schemas.version import VERSION

PREFIX = "chat_migration"
BATCH_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 150.0)
"""Seconds; the last one is the limit of a batch."""
OUTCOMES = ("inserted", "updated", "unchanged", "duplicates", "failed")
KINDS = ("started", "repeated", "cancel", "retry")


@dataclass(frozen=True, slots=True)
class Present:
    """What is not counted but looked at when somebody asks."""

    running: Callable[[], int]
    loop_lag: Callable[[], float]
    progress: Callable[[], Mapping[str, float]]
    outbox_unchanged: Callable[[], float]


class Metrics:
    """All that this process counts itself."""

    def __init__(self, present: Present) -> None:
        # A second series for each counter, which nobody asked for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        built = Info("build", "The version of this process", namespace=PREFIX, registry=self.registry)
        built.info({"version": VERSION})
        self._claims = self._counter("claims", "Jobs claimed by this process")
        self._rescues = self._counter("rescues", "Jobs put back (or ended) because their owner was gone")
        self._leases_lost = self._counter("leases_lost", "Jobs of this process that somebody else took over")
        self._rows = self._counter("rows", "Rows stored by this process, by outcome", "outcome", OUTCOMES)
        self._batches = Histogram(
            "batch_seconds",
            "Seconds that storing one batch took, its repeats included",
            namespace=PREFIX,
            registry=self.registry,
            buckets=BATCH_BUCKETS,
        )
        self._quota_waits = self._counter("quota_waits", "How often a source had to wait for its quota")
        self._quota_seconds = self._counter("quota_wait_seconds", "Seconds waited for a quota")
        self._events = self._counter("events_published", "Status events that Kafka acknowledged")
        self._shortened = self._counter("events_shortened", "Status events too large to be sent whole")
        self._recorded = self._counter(
            "requests_recorded", "Messages taken from the requests topic, by kind", "kind", KINDS
        )
        self._rejected = self._counter(
            "requests_rejected",
            "Messages sent to the dead letters, by reason",
            "reason",
            [reason.value for reason in DeadLetterReason],
        )
        self._gauge("jobs_running_here", "Jobs that run in this process", present.running)
        self._gauge(
            "event_loop_lag_seconds_max", "The event loop's longest lag of the last minute", present.loop_lag
        )
        self._gauge(
            "outbox_head_unchanged_seconds",
            "For how long status events have waited without any being published",
            present.outbox_unchanged,
        )
        self.registry.register(_Progress(present.progress))

    def _counter(self, name: str, about: str, label: str = "", values: Sequence[str] = ()) -> Counter:
        """A counter that starts with 0 for each value of its label."""
        counter = Counter(name, about, [label] if label else [], namespace=PREFIX, registry=self.registry)
        for value in values:
            counter.labels(value)
        return counter

    def _gauge(self, name: str, about: str, look: Callable[[], float]) -> None:
        Gauge(name, about, namespace=PREFIX, registry=self.registry).set_function(look)

    def hear(self, happening: Happening) -> None:
        """Count what happened."""
        match happening:
            case JobClaimed():
                self._claims.inc()
            case JobRescued():
                self._rescues.inc()
            case LeaseGone():
                self._leases_lost.inc()
            case BatchStored():
                self._batch(happening)
            case QuotaWaited(seconds):
                self._quota_waits.inc()
                self._quota_seconds.inc(seconds)
            case EventsPublished(events):
                self._events.inc(events)
            case EventShortened():
                self._shortened.inc()
            case RequestRecorded(kind):
                self._recorded.labels(kind).inc()
            case RequestRejected(reason):
                self._rejected.labels(reason).inc()
            case _:
                assert_never(happening)

    def _batch(self, batch: BatchStored) -> None:
        self._batches.observe(batch.seconds)
        for outcome in OUTCOMES:
            self._rows.labels(outcome).inc(getattr(batch, outcome))


class _Progress(Collector):
    """One value for each kind of task there is at the moment."""

    def __init__(self, progress: Callable[[], Mapping[str, float]]) -> None:
        self._progress = progress

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Asked by the registry."""
        family = GaugeMetricFamily(
            f"{PREFIX}_task_silent_seconds", "Seconds since the last progress of each task", labels=["task"]
        )
        for kind, seconds in _worst(self._progress()).items():
            family.add_metric([kind], seconds)
        yield family


def _worst(progress: Mapping[str, float]) -> dict[str, float]:
    """The longest silence of each kind of task: a series for each heartbeat would stay behind for ever."""
    worst: dict[str, float] = {}
    for task, seconds in progress.items():
        kind = task.partition(" of ")[0]
        worst[kind] = max(seconds, worst.get(kind, 0.0))
    return worst
