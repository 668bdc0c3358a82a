"""How far a consumer group has read: waits until it is through with one message, without joining it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError

from messaging.clients import (
    CLIENT_ERRORS,
    CLOSE_TIMEOUT_SECONDS,
    REQUEST_TIMEOUT_SECONDS,
    common_options,
    ignore_errors,
    start_client,
)
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError, OffsetUnavailableError
from messaging.metadata import CONNECT_TIMEOUT_SECONDS
from messaging.records import RecordPosition
from messaging.timeouts import call_with_deadline

log = logging.getLogger(__name__)

CLIENT_ID = "migration-group-offsets"
QUERY_TIMEOUT_SECONDS = 2 * REQUEST_TIMEOUT_SECONDS
"""One look asks two questions: who coordinates the group, and what it has committed."""
INITIAL_INTERVAL_SECONDS = 0.1
MAX_INTERVAL_SECONDS = 1.0
"""Between two looks."""


async def wait_until_committed(
    connection: KafkaConnection, group: str, topic: str, position: RecordPosition
) -> None:
    """Wait until a group has committed an offset beyond a message, for ever perhaps.

    Outages are sat through. Raises OffsetUnavailableError.
    """
    if position.offset < 0:
        raise OffsetUnavailableError("the broker has the message but no longer knows where")
    while True:
        try:
            async with _admin_client(connection) as admin:
                return await _poll_until_committed(
                    admin, group, TopicPartition(topic, position.partition), position.offset
                )
        except GroupAuthorizationFailedError as error:
            raise OffsetUnavailableError(f"allow this user of Kafka DESCRIBE on the group {group}") from error
        except (KafkaUnavailableError, *CLIENT_ERRORS) as error:
            log.info("group_offsets.unavailable: of %s, trying again: %r", group, error)
            await asyncio.sleep(MAX_INTERVAL_SECONDS)


async def _poll_until_committed(
    admin: AIOKafkaAdminClient, group: str, partition: TopicPartition, offset: int
) -> None:
    wait = INITIAL_INTERVAL_SECONDS
    while True:
        # Who coordinates it is asked anew each time: an answer for a group that has moved is an empty one.
        found = await call_with_deadline(
            QUERY_TIMEOUT_SECONDS, admin.list_consumer_group_offsets(group, partitions=[partition])
        )
        if partition in found and found[partition].offset > offset:
            return
        await asyncio.sleep(wait)
        wait = min(2 * wait, MAX_INTERVAL_SECONDS)


@asynccontextmanager
async def _admin_client(connection: KafkaConnection) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**common_options(connection, CLIENT_ID))
    try:
        await start_client(client, connection, CONNECT_TIMEOUT_SECONDS)
        yield client
    finally:
        await ignore_errors(CLOSE_TIMEOUT_SECONDS, client.close())
