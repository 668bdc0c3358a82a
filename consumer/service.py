"""One replica: builds every part from the settings, runs them side by side, stops them in order."""

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

from consumer import access, faults
from consumer.datasets import find as datasets
from consumer.ending import end_in_time
from consumer.errors import LeaseLost
from consumer.http.access import Access
from consumer.http.excel import UploadLimits
from consumer.http.side import HttpSide
from consumer.intake.intake import Intake
from consumer.intake.letters import DeadLetters
from consumer.loop_lag import freeze_startup_objects
from consumer.relay import relay as relays
from consumer.relay.relay import Relay
from consumer.relay.sender import EventSender
from consumer.retention.retention import Keep, Retention
from consumer.settings import Settings
from consumer.shutdown import Shutdown
from consumer.store import outbox, transitions
from consumer.store.database import Database
from consumer.store.errors import Conflict, DatabaseUnavailable
from consumer.store.listener import listen
from consumer.store.requests import Limits
from consumer.supervise import keep_running
from consumer.vitals import Vitals
from consumer.worker import worker as workers
from consumer.worker.attempt import Workshop
from consumer.worker.worker import Worker
from messaging.consumer import GroupConsumer
from messaging.errors import MessagingError
from messaging.producer import Producer
from messaging.progress import ticking
from messaging.topic_id import TopicId
from messaging.topics import ensure_topics
from schemas.topics import DEAD_LETTER_ROOM, INTAKE_GROUP, MESSAGE_BYTES, REQUESTS
from schemas.version import VERSION

log: structlog.stdlib.BoundLogger = structlog.get_logger("app")

CLIENT = "chat-migration"
PARTS = ("intake", "worker", "relay", "listener", "retention", "events")
JOBS_SHARE, PARTS_SHARE, CLIENTS_SHARE = 0.4, 0.6, 0.75
"""Of the drain's time: until then jobs, parts and Kafka's clients are waited for. The rest is for closing, so
that the process ends by itself, and not by the watchdog, while Postgres or Kafka is away."""
OUTAGES = (DatabaseUnavailable, Conflict, MessagingError, LeaseLost)


class Service:
    """One replica: intake, worker, relay, listener, retention, events and the HTTP side in one event loop."""

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        scratch: Path,
        database: Database,
        shutdown: Shutdown,
        access_control: Access,
    ) -> None:
        self._settings = settings
        self._database = database
        self._shutdown = shutdown
        self._kafka = settings.kafka()
        self._relay_stop = asyncio.Event()
        self._vitals = Vitals(lambda: self._worker.running)
        self._pulses = {name: self._vitals.pulse(name) for name in PARTS}
        self._events = Producer(self._kafka, client_id=f"{CLIENT}-relay")
        self._letters = Producer(
            self._kafka, client_id=f"{CLIENT}-intake", max_request_size=MESSAGE_BYTES + DEAD_LETTER_ROOM
        )
        owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._worker = self._make_worker(environment, scratch, owner)
        self._relay = self._make_relay(owner)
        self._retention = self._make_retention()
        self._consumer = self._make_consumer()
        self._vitals.watch(self._consumer)
        self._http = self._make_http_side(access_control)

    def _make_worker(self, environment: Mapping[str, str], scratch: Path, owner: str) -> Worker:
        settings = self._settings
        shop = Workshop(
            self._database,
            self._orders(),
            environment,
            scratch,
            partial(access.of, settings),
            settings.migration_google_reads_per_minute,
            self._vitals.metrics.hear,
        )
        terms = workers.Terms(
            owner,
            settings.migration_max_running_jobs,
            settings.migration_lease_seconds,
            settings.migration_heartbeat_seconds,
        )
        return Worker(shop, terms, self._vitals.pulse)

    def _orders(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "chunk_rows": settings.migration_batch_rows,
            "inbox": str(settings.migration_inbox.absolute()),
            "max_inflated_bytes": settings.migration_max_inflated_mb * 2**20,
            "memory_bytes": settings.migration_child_memory_mb * 2**20,
            "service_pid": os.getpid(),
        }

    def _make_relay(self, owner: str) -> Relay:
        settings = self._settings
        terms = relays.Terms(owner, settings.migration_lease_seconds, settings.migration_heartbeat_seconds)
        alive, count = self._pulses["relay"].alive, self._vitals.metrics.hear
        kafka = EventSender(self._events.deliver, self._events.fits, count)
        return Relay(self._database, kafka, terms, self._vitals.outbox_progress, alive)

    def _make_retention(self) -> Retention:
        settings = self._settings
        keep = Keep(
            jobs=timedelta(days=settings.migration_keep_jobs_days),
            errors=timedelta(days=settings.migration_keep_errors_days),
            events=timedelta(days=settings.migration_keep_events_days),
        )
        alive = self._pulses["retention"].alive
        return Retention(self._database.reporting(alive), keep, alive)

    def _make_consumer(self) -> GroupConsumer:
        limits = Limits(self._settings.migration_job_timeout_seconds, self._settings.migration_max_attempts)
        topic_id = TopicId(self._kafka, REQUESTS.name)
        database = self._database.reporting(self._pulses["intake"].alive)
        count = self._vitals.metrics.hear
        letters = DeadLetters(self._letters.publish, self._letters.fits, count)
        intake = Intake(database, letters, limits, datasets.names(), topic_id, count)
        return GroupConsumer(
            self._kafka,
            topics=[REQUESTS.name],
            group_id=INTAKE_GROUP,
            client_id=f"{CLIENT}-intake",
            handle=intake.handle,
            handle_slice=intake.handle_slice,
            committed=intake.committed,
        )

    def _make_http_side(self, access_control: Access) -> HttpSide:
        settings = self._settings
        return HttpSide(
            self._database,
            self._kafka,
            self._vitals.health,
            self._vitals.metrics.registry,
            kafka_trouble=self._vitals.kafka_trouble,
            alive=self._pulses["events"].alive,
            datasets=datasets.names(),
            upload_limits=UploadLimits(settings.migration_max_upload_mb, settings.migration_max_uploads),
            access=access_control,
            hosts=settings.answered_hosts(socket.gethostname()),
        )

    async def run(self, listener: socket.socket) -> None:
        """Run all parts; when told to stop, drain the jobs first and send what they left in the outbox."""
        stop = self._shutdown.stop
        parts = {
            "intake": self._keep("intake", self._intake, stop),
            "worker": self._keep("worker", lambda: self._worker.run(stop), stop),
            "listener": self._keep("listener", self._listen, stop),
            "retention": self._keep("retention", lambda: self._retention.run(stop), stop),
            "events": self._keep("events", self._http.run_feed, stop),
        }
        relay = self._keep("relay", lambda: self._relay.run(self._relay_stop), self._relay_stop)
        http = asyncio.create_task(self._http.serve(listener, stop), name="http")
        lag = asyncio.create_task(self._vitals.lag.run())
        port = self._settings.migration_http_port
        frozen = freeze_startup_objects()
        log.info("service.started", version=VERSION, pid=os.getpid(), http_port=port, frozen_objects=frozen)
        try:
            await asyncio.wait({http, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._shutdown.begin()
            await faults.reach("shutdown.begun")
            await self._drain(parts, relay, http)
            lag.cancel()
        if http.done() and not http.cancelled():
            http.result()

    async def _drain(
        self, parts: Mapping[str, asyncio.Task[None]], relay: asyncio.Task[None], http: asyncio.Task[None]
    ) -> None:
        """Each stage in its share of the time: an outage keeps nobody from ending."""
        left = self._shutdown.left
        self._http.end_streams()
        self._worker.interrupt()
        self._worker.hear("")
        late = await end_in_time({parts["worker"]}, left(JOBS_SHARE))  # from here on nothing is claimed
        late += await self._worker.drain(left(JOBS_SHARE))
        self._relay_stop.set()
        self._relay.hear("")
        parts["listener"].cancel()
        late += await end_in_time({*parts.values(), relay, http}, left(PARTS_SHARE))
        closing = {
            "events": self._events.close(),
            "dead letters": self._letters.close(),
            "requests": self._http.close(),
        }
        late += await end_in_time(
            [asyncio.create_task(close, name=f"producer of {name}") for name, close in closing.items()],
            left(CLIENTS_SHARE),
        )
        if late:
            log.warning("shutdown.left_behind", tasks=sorted({task.get_name() for task in late}))

    async def _intake(self) -> None:
        with ticking(self._pulses["intake"].alive):
            await ensure_topics(self._kafka)
        await self._consumer.run(self._shutdown.stop)

    async def _listen(self) -> None:
        channels = {transitions.NEW_JOBS: self._worker.hear, outbox.CHANNEL: self._on_outbox_notify}
        await listen(self._database.dsn, channels, self._pulses["listener"].alive)

    def _on_outbox_notify(self, payload: str) -> None:
        self._relay.hear(payload)
        self._http.notify()

    def _keep(self, name: str, run: Any, stop: asyncio.Event) -> asyncio.Task[None]:
        kept = keep_running(name, run, stop, expected=OUTAGES, pulse=self._pulses[name])
        return asyncio.create_task(kept, name=name)
