"""The HTTP app without Kafka, for tests of reading: a POST that would publish fails the test."""

import tempfile
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn, cast

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from consumer.http.app import HttpDependencies, make_app
from consumer.http.auth.authenticator import Authenticator
from consumer.http.events.event_feed import EventFeed, fetch_events
from consumer.http.submission.submitter import Publish, RequestSubmitter
from consumer.http.uploads.excel_upload import UploadLimits
from consumer.runtime.health import HealthRegistry
from consumer.settings import child_environment
from consumer.store.database import Database
from messaging.records import ProducerRecord

NO_DATABASE = cast("Database", None)
"""For apps of which a test only uses routes that need no database."""


async def no_kafka(_records: Sequence[ProducerRecord] = ()) -> NoReturn:
    """In place of a producer."""
    raise AssertionError("this app has no Kafka")


def make_read_only_app(
    database: Database,
    health: HealthRegistry | None = None,
    *,
    authenticator: Authenticator | None = None,
    feed: EventFeed | None = None,
    hosts: Collection[str] | None = None,
    publish: Publish = no_kafka,
    temp_dir: Path | None = None,
    connections: Collection[str] = (),
) -> FastAPI:
    """The app of the service with a database, and without Kafka unless `publish` is given.

    `connections` are the databases that its settings name.
    """
    dependencies = HttpDependencies(
        database=database,
        health=health or HealthRegistry(),
        registry=CollectorRegistry(),
        submitter=RequestSubmitter(database, publish, lambda: None),
        feed=feed or EventFeed(partial(fetch_events, database)),
        datasets={"chats"},
        open_upload=no_kafka,
        upload_limits=UploadLimits(1, 1),
        child_environment=child_environment(),
        temp_dir=temp_dir or Path(tempfile.gettempdir()),
        authenticator=authenticator or Authenticator(),
        hosts=hosts,
        connections=connections,
    )
    return make_app(dependencies)
