"""The HTTP app as tests of reading need it: its POSTs lead nowhere, and say so where one is sent."""

from collections.abc import Sequence
from typing import NoReturn

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from consumer.health import Health
from consumer.http.access import Access
from consumer.http.app import Posting, make_app
from consumer.http.excel import UploadLimits
from consumer.http.submission import Submission
from consumer.store.database import Database
from messaging.records import Outgoing


async def no_kafka(_records: Sequence[Outgoing] = ()) -> NoReturn:
    """In the place of a producer."""
    raise AssertionError("this app has no Kafka")


def make_reading_app(
    database: Database, health: Health | None = None, *, access: Access | None = None
) -> FastAPI:
    """The app of the service before a database, without Kafka."""
    posting = Posting(Submission(database, no_kafka, lambda: None), {"chats"}, no_kafka, UploadLimits(1, 1))
    return make_app(database, health or Health(), CollectorRegistry(), posting, access=access)
