"""The consumer group from outside: its members, what it has committed, and how to part with dead ones."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.protocol.group import LeaveGroupRequest

from schemas.topics import INTAKE_GROUP as GROUP
from schemas.topics import REQUESTS

LIMIT_SECONDS = 20


def remove_members(bootstrap: str) -> None:
    """Have every member leave: a new one would wait for the dead ones. To be called while none is alive."""
    _run(_remove_members(bootstrap))


def skip_to_end(bootstrap: str) -> None:
    """Commit the end offsets of all partitions; only while the group has no members."""
    _run(_skip_to_end(bootstrap))


def reset_offsets(bootstrap: str, offsets: Mapping[int, int]) -> None:
    """Commit earlier offsets; only while the group has no members."""
    _run(_reset_offsets(bootstrap, offsets))


def member_count(bootstrap: str) -> int:
    """How many members the group has."""
    return len(member_ids(bootstrap))


def member_ids(bootstrap: str) -> set[str]:
    """The ids of its members: one that was given up gets another when it comes back."""
    return set(_run(_with_admin_client(bootstrap, _member_ids)))


def stable_member_count(bootstrap: str) -> int:
    """How many members share the partitions; 0 during a rebalance."""
    return int(_run(_with_admin_client(bootstrap, _stable_member_count)))


def committed_offsets(bootstrap: str) -> dict[int, int]:
    """The committed offset of each partition of the requests topic."""
    return _run(_with_admin_client(bootstrap, _committed_offsets))  # type: ignore[no-any-return]


def lag(bootstrap: str) -> int:
    """How many messages of the requests topic are not committed."""
    return _run(_lag(bootstrap))  # type: ignore[no-any-return]


async def _lag(bootstrap: str) -> int:
    done = await _with_admin_client(bootstrap, _committed_offsets)
    async with offset_committer(bootstrap) as consumer:
        ends = await consumer.end_offsets(list(consumer.assignment()))
    return sum(end - max(done.get(at.partition, 0), 0) for at, end in ends.items())


async def _remove_members(bootstrap: str) -> None:
    async def leave(admin: AIOKafkaAdminClient) -> None:
        try:
            coordinator = await admin.find_coordinator(GROUP)
            members = await _member_ids(admin)
        except GroupCoordinatorNotAvailableError:
            return  # there never was a group
        for member in members:
            await admin._send_request_to_node(coordinator, LeaveGroupRequest(GROUP, member))

    await _with_admin_client(bootstrap, leave)


async def _skip_to_end(bootstrap: str) -> None:
    async with offset_committer(bootstrap) as consumer:
        if partitions := list(consumer.assignment()):
            await consumer.commit(await consumer.end_offsets(partitions))


async def _reset_offsets(bootstrap: str, offsets: Mapping[int, int]) -> None:
    async with offset_committer(bootstrap) as consumer:
        await consumer.commit({TopicPartition(REQUESTS.name, number): at for number, at in offsets.items()})


@asynccontextmanager
async def offset_committer(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that may commit offsets of the requests topic while the group has no members."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        cluster = await consumer._client.fetch_all_metadata()
        numbers = cluster.partitions_for_topic(REQUESTS.name) or ()
        consumer.assign([TopicPartition(REQUESTS.name, number) for number in numbers])
        yield consumer
    finally:
        await consumer.stop()


async def _member_ids(admin: AIOKafkaAdminClient) -> list[str]:
    [answer] = await admin.describe_consumer_groups([GROUP])
    return [member[0] for group in answer.groups for member in group[5]]


async def _stable_member_count(admin: AIOKafkaAdminClient) -> int:
    [answer] = await admin.describe_consumer_groups([GROUP])
    return sum(len(group[5]) for group in answer.groups if group[2] == "Stable")


async def _committed_offsets(admin: AIOKafkaAdminClient) -> dict[int, int]:
    found = await admin.list_consumer_group_offsets(GROUP)
    return {at.partition: kept.offset for at, kept in found.items() if at.topic == REQUESTS.name}


async def _with_admin_client(bootstrap: str, work: Any) -> Any:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return await work(admin)
    finally:
        await admin.close()


def _run(work: Any) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(LIMIT_SECONDS):
            return await work

    return asyncio.run(limited())
