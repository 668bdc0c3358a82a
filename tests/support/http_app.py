"""The HTTP app as tests of reading need it: its POSTs lead nowhere, and say so where one is sent."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import NoReturn

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from consumer.http.app import HttpDependencies, make_app
from consumer.http.auth.authenticator import Authenticator
from consumer.http.events.event_feed import EventFeed, fetch_events
from consumer.http.routers.excel import UploadLimits
from consumer.http.submission.submitter import Publish, RequestSubmitter
from consumer.runtime.health import HealthRegistry
from consumer.store.database import Database
from messaging.records import ProducerRecord


async def no_kafka(_records: Sequence[ProducerRecord] = ()) -> NoReturn:
    """In the place of a producer."""
    raise AssertionError("this app has no Kafka")


def make_read_only_app(
    database: Database,
    health: HealthRegistry | None = None,
    *,
    access: Authenticator | None = None,
    feed: EventFeed | None = None,
    hosts: Collection[str] | None = None,
    publish: Publish = no_kafka,
) -> FastAPI:
    """The app of the service before a database, without Kafka unless `publish` is given."""
    parts = HttpDependencies(
        database=database,
        health=health or HealthRegistry(),
        registry=CollectorRegistry(),
        submitter=RequestSubmitter(database, publish, lambda: None),
        feed=feed or EventFeed(partial(fetch_events, database)),
        datasets={"chats"},
        open_upload=no_kafka,
        upload_limits=UploadLimits(1, 1),
        authenticator=access or Authenticator(),
        hosts=hosts,
    )
    return make_app(parts)
