"""Waits until a consumer group has committed beyond a message, without joining the group."""

import asyncio
import logging

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError

from messaging.backoff import Backoff
from messaging.clients import CLIENT_ERRORS, REQUEST_TIMEOUT_SECONDS, admin_client
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError, OffsetUnavailableError
from messaging.records import RecordPosition
from messaging.timeouts import call_with_deadline

log = logging.getLogger(__name__)

CLIENT_ID = "migration-group-offsets"
QUERY_TIMEOUT_SECONDS = 2 * REQUEST_TIMEOUT_SECONDS
"""Two requests: who coordinates the group, and which offsets it has committed."""
INITIAL_INTERVAL_SECONDS = 0.1
MAX_INTERVAL_SECONDS = 1.0
"""Between two queries."""


async def wait_until_committed(
    connection: KafkaConnection, group: str, topic: str, position: RecordPosition
) -> None:
    """Wait until a group has committed an offset beyond a message; without a time limit of its own.

    Outages are waited out. Raises OffsetUnavailableError.
    """
    if position.offset < 0:
        raise OffsetUnavailableError("the broker has the message but no longer knows where")
    partition = TopicPartition(topic, position.partition)
    while True:
        try:
            async with admin_client(connection, CLIENT_ID) as admin:
                return await _poll_until_committed(admin, group, partition, position.offset)
        except GroupAuthorizationFailedError as error:
            raise OffsetUnavailableError(f"allow this user of Kafka DESCRIBE on the group {group}") from error
        except (KafkaUnavailableError, *CLIENT_ERRORS) as error:
            log.info("group_offsets.unavailable: of %s, trying again: %r", group, error)
            await asyncio.sleep(MAX_INTERVAL_SECONDS)


async def _poll_until_committed(
    admin: AIOKafkaAdminClient, group: str, partition: TopicPartition, offset: int
) -> None:
    interval = Backoff(INITIAL_INTERVAL_SECONDS, MAX_INTERVAL_SECONDS)
    while True:
        # The library looks the coordinator up each time: after it has moved, the old one returns no offsets.
        committed = await call_with_deadline(
            QUERY_TIMEOUT_SECONDS, admin.list_consumer_group_offsets(group, partitions=[partition])
        )
        if partition in committed and committed[partition].offset > offset:
            return
        await asyncio.sleep(interval.next())
