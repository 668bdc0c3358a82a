"""The HTTP side of a replica as one part: what it publishes by, what it streams from, and its server."""

import asyncio
import socket
from collections.abc import Callable, Collection
from functools import partial

from prometheus_client import CollectorRegistry

from consumer.http import server
from consumer.http.app import HttpDependencies, make_app
from consumer.http.auth.authenticator import Authenticator
from consumer.http.events.event_feed import EventFeed, fetch_events
from consumer.http.routers.excel import UploadLimits
from consumer.http.submission.submitter import RequestSubmitter
from consumer.runtime.health import HealthRegistry
from consumer.store.database import Database
from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.upload_stream import UploadStream

CLIENT_ID = "chat-migration-http"


class HttpService:
    """Answers requests. `run_feed` is a long-lived task of its own, which reports by `alive`."""

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
                authenticator=authenticator,
                hosts=hosts,
            )
        )

    def notify(self) -> None:
        """Events were written: to jobs that are followed, or for requests that are waited for."""
        self._submitter.notify()
        self._feed.notify()

    async def serve(self, listener: socket.socket, stop: asyncio.Event) -> None:
        """Answer until `stop`."""
        await server.serve_on(self._app, listener, stop)

    def end_streams(self) -> None:
        """End what would last as long as its clients want."""
        self._feed.close()

    async def close(self) -> None:
        """Let what was published arrive if that is quick; bounded."""
        await self._producer.close()
