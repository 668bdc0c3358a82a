"""`/metrics`: what this process counts, and what Postgres says of all jobs and of the outbox."""

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
from consumer.store.errors import DatabaseUnavailableError, TransactionConflictError
from consumer.store.queue_stats import QueueStats, fetch_queue_stats

DATABASE_TIMEOUT = 2.0
"""Who scrapes has little patience: without an answer by then, what Postgres would say is left out."""

CACHE_TTL = 15.0
"""How old the numbers of Postgres may be: to count all jobs takes 0.1 s for 200,000 of them."""

METRICS_EXAMPLE = '# TYPE chat_migration_jobs gauge\nchat_migration_jobs{status="completed"} 17.0\n'


def router(database: Database, registry: CollectorRegistry) -> APIRouter:
    """The metrics of one registry, and those of the database."""
    kept = CachedQueueStats(database)
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
        """In the text format of Prometheus; without the numbers of Postgres while it is away.

        They are up to 15 s old.
        """
        text = generate_latest(registry)
        if (found := await kept.get()) is not None:
            text += generate_latest(_database_registry(found))
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return routes


class CachedQueueStats:
    """The numbers of the database, read at most once in CACHE_TTL; `clock` gives seconds, monotonic."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._stats: QueueStats | None = None
        self._fetched_at = -math.inf
        self._lock = asyncio.Lock()

    async def get(self) -> QueueStats | None:
        """The numbers; None while Postgres is away. Who comes while they are read waits for the same."""
        async with self._lock:
            kept = DATABASE_TIMEOUT if self._stats is None else CACHE_TTL
            if self._clock() >= self._fetched_at + kept:
                self._stats = await _fetch_stats_or_none(self._database)
                self._fetched_at = self._clock()
            return self._stats


async def _fetch_stats_or_none(database: Database) -> QueueStats | None:
    try:
        async with database.read_transaction(DATABASE_TIMEOUT) as connection:
            return await fetch_queue_stats(connection)
    except (DatabaseUnavailableError, TransactionConflictError):
        return None


def _database_registry(stats: QueueStats) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(DatabaseCollector(stats))
    return registry


class DatabaseCollector(Collector):
    """The numbers of the database as metrics. Replicas all tell the same: take one, do not sum."""

    def __init__(self, stats: QueueStats) -> None:
        self._stats = stats

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Asked by the registry."""
        jobs = GaugeMetricFamily("chat_migration_jobs", "All jobs there are, by status", labels=["status"])
        for status, number in self._stats.jobs.items():
            jobs.add_metric([status], number)
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
