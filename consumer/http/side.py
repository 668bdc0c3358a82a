"""The HTTP side of a replica as one part: what it publishes by, what it streams from, and its server."""

import asyncio
import socket
from collections.abc import Callable, Collection
from functools import partial

from prometheus_client import CollectorRegistry

from consumer.health import Health
from consumer.http import server
from consumer.http.access import Access
from consumer.http.app import HttpParts, make_app
from consumer.http.event_feed import EventFeed, fetch_events
from consumer.http.excel import UploadLimits
from consumer.http.submission import Submission
from consumer.store.database import Database
from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.upload_stream import UploadStream

CLIENT_ID = "chat-migration-http"


class HttpSide:
    """Answers requests. `run_feed` is a long-lived task of its own, which reports by `alive`."""

    def __init__(
        self,
        database: Database,
        kafka: KafkaConnection,
        health: Health,
        registry: CollectorRegistry,
        *,
        kafka_trouble: Callable[[], str | None],
        alive: Callable[[], None],
        datasets: Collection[str],
        upload_limits: UploadLimits,
        access: Access,
        hosts: Collection[str],
    ) -> None:
        self._producer = Producer(kafka, client_id=CLIENT_ID)
        self._submission = Submission(database, self._producer.publish, kafka_trouble)
        self._feed = EventFeed(partial(fetch_events, database), alive)
        self.run_feed = self._feed.run
        self._app = make_app(
            HttpParts(
                database=database,
                health=health,
                registry=registry,
                submission=self._submission,
                feed=self._feed,
                datasets=datasets,
                open_upload=partial(UploadStream.open, kafka),
                upload_limits=upload_limits,
                access=access,
                hosts=hosts,
            )
        )

    def notify(self) -> None:
        """Events were written: to jobs that are followed, or for requests that are waited for."""
        self._submission.notify()
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
