"""One replica: builds its tasks from the settings, runs them, and stops them in order."""

import asyncio
import os
import secrets
import socket
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from consumer import credentials
from consumer.datasets import registry as datasets
from consumer.errors import LeaseLostError
from consumer.http.auth.authenticator import Authenticator
from consumer.http.service import HttpService
from consumer.http.uploads.excel_upload import UploadLimits
from consumer.intake.dead_letters import DeadLetterPublisher
from consumer.intake.intake import Intake
from consumer.relay import relay as relays
from consumer.relay.publisher import EventPublisher
from consumer.relay.relay import Relay
from consumer.retention.pruner import Pruner, RetentionPolicy
from consumer.runtime import failpoints
from consumer.runtime.aio import wait_or_cancel
from consumer.runtime.loop_lag import freeze_startup_objects
from consumer.runtime.monitoring import Monitoring
from consumer.runtime.shutdown import Shutdown
from consumer.runtime.supervise import supervise
from consumer.settings import Settings
from consumer.store import outbox, transitions
from consumer.store.database import Database
from consumer.store.errors import OUTAGE_ERRORS
from consumer.store.listener import listen
from consumer.store.requests import JobDefaults
from consumer.worker import worker as workers
from consumer.worker.context import WorkerContext
from consumer.worker.fork_server import ForkServer
from consumer.worker.worker import Worker
from messaging.consumer import GroupConsumer
from messaging.errors import MessagingError
from messaging.metadata import CachedTopicId
from messaging.producer import Producer
from messaging.topics import ensure_topics
from schemas.topics import DEAD_LETTER_HEADROOM, INTAKE_GROUP, MAX_MESSAGE_BYTES, REQUESTS
from schemas.version import VERSION

log: structlog.stdlib.BoundLogger = structlog.get_logger("app")

CLIENT_ID_PREFIX = "chat-migration"
TASKS = ("intake", "worker", "relay", "listener", "retention", "events")
JOBS_DRAIN_FRACTION, TASKS_DRAIN_FRACTION, CLIENTS_DRAIN_FRACTION = 0.4, 0.6, 0.75
"""Fractions of the drain time: when waiting ends for jobs, for tasks, for Kafka clients. The rest is for
closing, so that the process exits before its watchdog does, also during an outage of Postgres or Kafka."""
TRANSIENT_ERRORS = (*OUTAGE_ERRORS, MessagingError, LeaseLostError)
"""Errors after which a task is retried without counting as crashed."""


class Service:
    """One replica: intake, worker, relay, listener, retention, events and the HTTP side in one event loop."""

    def __init__(
        self,
        settings: Settings,
        fork_server: ForkServer,
        temp_dir: Path,
        database: Database,
        shutdown: Shutdown,
        access_control: Authenticator,
        child_environment: Mapping[str, str],
    ) -> None:
        self._settings = settings
        self._database = database
        self._shutdown = shutdown
        self._kafka = settings.kafka()
        self._relay_stop = asyncio.Event()
        self._monitoring = Monitoring(lambda: self._worker.running_jobs)
        self._heartbeats = {name: self._monitoring.health.register(name) for name in TASKS}
        self._event_producer = Producer(
            self._kafka, client_id=f"{CLIENT_ID_PREFIX}-relay", heartbeat=self._heartbeats["relay"].beat
        )
        self._dead_letter_producer = Producer(
            self._kafka,
            client_id=f"{CLIENT_ID_PREFIX}-intake",
            max_request_size=MAX_MESSAGE_BYTES + DEAD_LETTER_HEADROOM,
            heartbeat=self._heartbeats["intake"].beat,
        )
        owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._worker = self._make_worker(fork_server, temp_dir, owner)
        self._relay = self._make_relay(owner)
        self._pruner = self._make_pruner()
        self._consumer = self._make_consumer()
        self._monitoring.monitor_consumer(self._consumer)
        self._http = self._make_http_side(child_environment, temp_dir, access_control)

    def _make_worker(self, fork_server: ForkServer, temp_dir: Path, owner: str) -> Worker:
        settings = self._settings
        context = WorkerContext(
            self._database,
            self._start_parameters(),
            fork_server,
            temp_dir,
            partial(credentials.resolve, settings),
            settings.migration_google_reads_per_minute,
            self._monitoring.metrics.record,
        )
        config = workers.WorkerConfig(
            owner,
            settings.migration_max_running_jobs,
            settings.migration_lease_seconds,
            settings.migration_heartbeat_seconds,
        )
        return Worker(context, config, self._heartbeats["worker"].beat, self._monitoring.health.register)

    def _start_parameters(self) -> dict[str, Any]:
        """The part of a START frame that comes from the settings."""
        settings = self._settings
        return {
            "chunk_rows": settings.migration_batch_rows,
            "inbox": str(settings.migration_inbox.absolute()),
            "max_inflated_bytes": settings.migration_max_inflated_mb * 2**20,
            "memory_bytes": settings.migration_child_memory_mb * 2**20,
        }

    def _make_relay(self, owner: str) -> Relay:
        settings = self._settings
        config = relays.RelayConfig(
            owner, settings.migration_lease_seconds, settings.migration_heartbeat_seconds
        )
        heartbeat, emit = self._heartbeats["relay"].beat, self._monitoring.metrics.record
        publisher = EventPublisher(self._event_producer.deliver, self._event_producer.fits, emit)
        return Relay(self._database, publisher, config, self._monitoring.outbox_progress, heartbeat)

    def _make_pruner(self) -> Pruner:
        settings = self._settings
        policy = RetentionPolicy(
            jobs=timedelta(days=settings.migration_keep_jobs_days),
            rejected_rows=timedelta(days=settings.migration_keep_errors_days),
            events=timedelta(days=settings.migration_keep_events_days),
        )
        heartbeat = self._heartbeats["retention"].beat
        return Pruner(self._database.with_heartbeat(heartbeat), policy, heartbeat)

    def _make_consumer(self) -> GroupConsumer:
        defaults = JobDefaults(
            self._settings.migration_job_timeout_seconds, self._settings.migration_max_attempts
        )
        heartbeat = self._heartbeats["intake"].beat
        topic_id = CachedTopicId(self._kafka, REQUESTS.name, heartbeat=heartbeat)
        database = self._database.with_heartbeat(heartbeat)
        emit = self._monitoring.metrics.record
        dead_letters = DeadLetterPublisher(
            self._dead_letter_producer.publish, self._dead_letter_producer.fits, emit
        )
        intake = Intake(database, dead_letters, defaults, datasets.names(), topic_id, emit)
        return GroupConsumer(
            self._kafka,
            topics=[REQUESTS.name],
            group_id=INTAKE_GROUP,
            client_id=f"{CLIENT_ID_PREFIX}-intake",
            handle=intake.handle,
            handle_slice=intake.handle_slice,
            on_committed=intake.committed,
            heartbeat=heartbeat,
        )

    def _make_http_side(
        self, child_environment: Mapping[str, str], temp_dir: Path, access_control: Authenticator
    ) -> HttpService:
        settings = self._settings
        return HttpService(
            self._database,
            self._kafka,
            self._monitoring.health,
            self._monitoring.metrics.registry,
            kafka_failure=self._monitoring.kafka_failure,
            heartbeat=self._heartbeats["events"].beat,
            datasets=datasets.names(),
            upload_limits=UploadLimits(settings.migration_max_upload_mb, settings.migration_max_uploads),
            child_environment=child_environment,
            temp_dir=temp_dir,
            connections=settings.migration_connections.keys(),
            credentials=settings.migration_google_credentials.keys(),
            authenticator=access_control,
            hosts=settings.allowed_hosts(socket.gethostname()),
        )

    async def run(self, listener: socket.socket) -> None:
        """Run all tasks until a stop; then drain the jobs and publish the events they left in the outbox."""
        stop = self._shutdown.stop
        tasks = {
            "intake": self._supervise("intake", self._run_intake, stop),
            "worker": self._supervise("worker", lambda: self._worker.run(stop), stop),
            "listener": self._supervise("listener", self._listen, stop),
            "retention": self._supervise("retention", lambda: self._pruner.run(stop), stop),
            "events": self._supervise("events", self._http.run_feed, stop),
        }
        relay = self._supervise("relay", lambda: self._relay.run(self._relay_stop), self._relay_stop)
        http = asyncio.create_task(self._http.serve(listener, stop), name="http")
        lag = asyncio.create_task(self._monitoring.loop_lag.run())
        port = self._settings.migration_http_port
        frozen = freeze_startup_objects()
        log.info("service.started", version=VERSION, pid=os.getpid(), http_port=port, frozen_objects=frozen)
        try:
            await asyncio.wait({http, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._shutdown.begin()
            await failpoints.failpoint("shutdown.started")
            await self._drain(tasks, relay, http)
            lag.cancel()
        if http.done() and not http.cancelled():
            http.result()

    async def _drain(
        self, tasks: Mapping[str, asyncio.Task[None]], relay: asyncio.Task[None], http: asyncio.Task[None]
    ) -> None:
        """Stop in stages, each within its fraction of the drain time: an outage cannot delay the exit."""
        remaining = self._shutdown.remaining
        self._http.end_streams()
        self._worker.request_stop()
        self._worker.on_notify("")
        late = await wait_or_cancel({tasks["worker"]}, remaining(JOBS_DRAIN_FRACTION))
        # From here on no job is claimed.
        late += await self._worker.drain(remaining(JOBS_DRAIN_FRACTION))
        self._relay_stop.set()
        self._relay.on_notify("")
        tasks["listener"].cancel()
        late += await wait_or_cancel({*tasks.values(), relay, http}, remaining(TASKS_DRAIN_FRACTION))
        closing = {
            "events": self._event_producer.close(),
            "dead letters": self._dead_letter_producer.close(),
            "requests": self._http.close(),
        }
        late += await wait_or_cancel(
            [asyncio.create_task(close, name=f"producer of {name}") for name, close in closing.items()],
            remaining(CLIENTS_DRAIN_FRACTION),
        )
        if late:
            log.warning("shutdown.tasks_abandoned", tasks=sorted({task.get_name() for task in late}))

    async def _run_intake(self) -> None:
        await ensure_topics(self._kafka, heartbeat=self._heartbeats["intake"].beat)
        await self._consumer.run(self._shutdown.stop)

    async def _listen(self) -> None:
        channels = {
            transitions.JOBS_CHANNEL: self._worker.on_notify,
            outbox.OUTBOX_CHANNEL: self._on_outbox_notify,
        }
        await listen(self._database.dsn, channels, self._heartbeats["listener"].beat)

    def _on_outbox_notify(self, payload: str) -> None:
        self._relay.on_notify(payload)
        self._http.notify()

    def _supervise(self, name: str, run: Any, stop: asyncio.Event) -> asyncio.Task[None]:
        supervised = supervise(name, run, stop, expected=TRANSIENT_ERRORS, heartbeat=self._heartbeats[name])
        return asyncio.create_task(supervised, name=name)
