"""The HTTP service of one replica: its Kafka producer, request submitter, event feed, and server."""

import asyncio
import socket
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry

from consumer.http import server
from consumer.http.app import HttpDependencies, make_app
from consumer.http.auth.authenticator import Authenticator
from consumer.http.events.event_feed import EventFeed, fetch_events
from consumer.http.submission.submitter import RequestSubmitter
from consumer.http.uploads.excel_upload import UploadLimits
from consumer.runtime.health import HealthRegistry
from consumer.store.database import Database
from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.upload_stream import UploadStream

CLIENT_ID = "chat-migration-http"


class HttpService:
    """`serve` answers requests; `run_feed` must run as a second long-lived task, which calls `heartbeat`."""

    def __init__(
        self,
        database: Database,
        kafka: KafkaConnection,
        health: HealthRegistry,
        registry: CollectorRegistry,
        *,
        kafka_failure: Callable[[], str | None],
        heartbeat: Callable[[], None],
        datasets: Collection[str],
        upload_limits: UploadLimits,
        child_environment: Mapping[str, str],
        temp_dir: Path,
        connections: Collection[str],
        credentials: Collection[str],
        authenticator: Authenticator,
        hosts: Collection[str],
    ) -> None:
        self._producer = Producer(kafka, client_id=CLIENT_ID)
        self._submitter = RequestSubmitter(database, self._producer.publish, kafka_failure)
        self._feed = EventFeed(partial(fetch_events, database), heartbeat)
        self.run_feed = self._feed.run
        self._app = make_app(
            HttpDependencies(
                database=database,
                health=health,
                registry=registry,
                submitter=self._submitter,
                feed=self._feed,
                datasets=datasets,
                open_upload=partial(UploadStream.open, kafka),
                upload_limits=upload_limits,
                child_environment=child_environment,
                temp_dir=temp_dir,
                connections=connections,
                credentials=credentials,
                authenticator=authenticator,
                hosts=hosts,
            )
        )

    def notify(self) -> None:
        """New events were written: wake the feed, and the requests that wait for intake."""
        self._submitter.notify()
        self._feed.notify()

    async def serve(self, listener: socket.socket, stop: asyncio.Event) -> None:
        """Serve until `stop`."""
        await server.serve_on(self._app, listener, stop)

    def end_streams(self) -> None:
        """End the event streams, which otherwise last until their clients disconnect."""
        self._feed.close()

    async def close(self) -> None:
        """Flush and close the producer, within its time limit."""
        await self._producer.close()
