"""`/metrics`: the metrics of this process, and those of all jobs and of the outbox from Postgres."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from consumer.store.database import Database
from consumer.store.errors import OUTAGE_ERRORS
from consumer.store.queue_stats import QueueStats, fetch_queue_stats

DATABASE_TIMEOUT = 2.0
"""Scrapers have short timeouts: if Postgres has not answered by then, its metrics are left out."""
CACHE_TTL = 15.0
"""Maximum age of the metrics from Postgres: counting 200,000 jobs takes 0.1 s."""

METRICS_EXAMPLE = '# TYPE chat_migration_jobs gauge\nchat_migration_jobs{status="completed"} 17.0\n'


def router(database: Database, registry: CollectorRegistry) -> APIRouter:
    """The route for the metrics of the registry and of the database."""
    cached_stats = CachedQueueStats(database)
    routes = APIRouter(tags=["health"])

    @routes.get(
        "/metrics",
        operation_id="getMetrics",
        summary="Numbers for Prometheus",
        response_class=Response,
        responses={
            200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": METRICS_EXAMPLE}}}
        },
    )
    async def metrics() -> Response:
        """In the text format of Prometheus; during an outage of Postgres without the metrics from Postgres.

        The latter are up to 15 s old.
        """
        text = generate_latest(registry)
        if (stats := await cached_stats.get()) is not None:
            text += generate_latest(_database_registry(stats))
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return routes


class CachedQueueStats:
    """Queue statistics from Postgres, read at most once in CACHE_TTL; `clock` returns monotonic seconds."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._stats: QueueStats | None = None
        self._fetched_at = -math.inf
        self._lock = asyncio.Lock()

    async def get(self) -> QueueStats | None:
        """The statistics; None during an outage of Postgres. Concurrent callers share one query."""
        async with self._lock:
            ttl = DATABASE_TIMEOUT if self._stats is None else CACHE_TTL
            if self._clock() >= self._fetched_at + ttl:
                self._stats = await _fetch_stats_or_none(self._database)
                self._fetched_at = self._clock()
            return self._stats


async def _fetch_stats_or_none(database: Database) -> QueueStats | None:
    try:
        async with database.read_transaction(DATABASE_TIMEOUT) as connection:
            return await fetch_queue_stats(connection)
    except OUTAGE_ERRORS:
        return None


def _database_registry(stats: QueueStats) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(DatabaseCollector(stats))
    return registry


class DatabaseCollector(Collector):
    """Queue statistics as metrics. Every replica reports the same values: do not sum them."""

    def __init__(self, stats: QueueStats) -> None:
        self._stats = stats

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Called by the registry."""
        jobs = GaugeMetricFamily("chat_migration_jobs", "All jobs there are, by status", labels=["status"])
        for status, count in self._stats.jobs.items():
            jobs.add_metric([status], count)
        yield jobs
        yield GaugeMetricFamily(
            "chat_migration_outbox_pending_events",
            "Status events that wait to be sent",
            value=self._stats.pending_events,
        )
        yield GaugeMetricFamily(
            "chat_migration_outbox_oldest_seconds",
            "How long the oldest of them has waited",
            value=self._stats.oldest_pending_seconds,
        )
