"""How far a consumer group has read: waits until it is through with one message, without joining it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError

from messaging.clients import CLOSE_SECONDS, FAILURES, REQUEST_SECONDS, common_options, quietly, start
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailable, ReadingUnseen
from messaging.guard import within
from messaging.metadata import CONNECT_SECONDS
from messaging.records import Place

log = logging.getLogger(__name__)

CLIENT_ID = "migration-standing"
LOOK_SECONDS = 2 * REQUEST_SECONDS
"""One look asks two questions: who coordinates the group, and what it has committed."""
FIRST_PAUSE_SECONDS = 0.1
LAST_PAUSE_SECONDS = 1.0
"""Between two looks."""


async def until_read(connection: KafkaConnection, group: str, topic: str, place: Place) -> None:
    """Wait until a group has committed an offset beyond a message, for ever perhaps.

    Outages are sat through. Raises ReadingUnseen.
    """
    if place.offset < 0:
        raise ReadingUnseen("the broker has the message but no longer knows where")
    while True:
        try:
            async with _admin(connection) as admin:
                return await _until_read(admin, group, TopicPartition(topic, place.partition), place.offset)
        except GroupAuthorizationFailedError as error:
            raise ReadingUnseen(f"allow this user of Kafka DESCRIBE on the group {group}") from error
        except (KafkaUnavailable, *FAILURES) as error:
            log.info("standing.not_seen: of %s, trying again: %r", group, error)
            await asyncio.sleep(LAST_PAUSE_SECONDS)


async def _until_read(admin: AIOKafkaAdminClient, group: str, at: TopicPartition, offset: int) -> None:
    wait = FIRST_PAUSE_SECONDS
    while True:
        # Who coordinates it is asked anew each time: an answer for a group that has moved is an empty one.
        found = await within(LOOK_SECONDS, admin.list_consumer_group_offsets(group, partitions=[at]))
        if at in found and found[at].offset > offset:
            return
        await asyncio.sleep(wait)
        wait = min(2 * wait, LAST_PAUSE_SECONDS)


@asynccontextmanager
async def _admin(connection: KafkaConnection) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**common_options(connection, CLIENT_ID))
    try:
        await start(client, connection, CONNECT_SECONDS)
        yield client
    finally:
        await quietly(CLOSE_SECONDS, client.close())
