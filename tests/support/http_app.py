"""The HTTP app as tests of reading need it: its POSTs lead nowhere, and say so where one is sent."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import NoReturn

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from consumer.health import Health
from consumer.http.access import Access
from consumer.http.app import HttpParts, make_app
from consumer.http.event_feed import EventFeed, fetch_events
from consumer.http.excel import UploadLimits
from consumer.http.submission import Publish, Submission
from consumer.store.database import Database
from messaging.records import Outgoing


async def no_kafka(_records: Sequence[Outgoing] = ()) -> NoReturn:
    """In the place of a producer."""
    raise AssertionError("this app has no Kafka")


def make_reading_app(
    database: Database,
    health: Health | None = None,
    *,
    access: Access | None = None,
    feed: EventFeed | None = None,
    hosts: Collection[str] | None = None,
    publish: Publish = no_kafka,
) -> FastAPI:
    """The app of the service before a database, without Kafka unless `publish` is given."""
    parts = HttpParts(
        database=database,
        health=health or Health(),
        registry=CollectorRegistry(),
        submission=Submission(database, publish, lambda: None),
        feed=feed or EventFeed(partial(fetch_events, database)),
        datasets={"chats"},
        open_upload=no_kafka,
        upload_limits=UploadLimits(1, 1),
        access=access or Access(),
        hosts=hosts,
    )
    return make_app(parts)
