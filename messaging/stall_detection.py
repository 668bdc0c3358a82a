"""Detects a consumer that stopped consuming without raising an error."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from messaging.clients import CLIENT_ERRORS, REQUEST_TIMEOUT_SECONDS
from messaging.timeouts import DeadlineExceededError, call_with_deadline, no_heartbeat

CHECK_INTERVAL_SECONDS = 5.0
"""How often positions are compared with end offsets: two misses find a dead fetcher within 15 s."""
MAX_MISSES = 2
POSITION_TIMEOUT_SECONDS = 5.0
"""A position is known at once, or not before the coordinator answers."""
REJOIN_TIMEOUT_SECONDS = 10.0
"""A member that the group removed rejoins at once, unless it is broken."""


class ConsumerStalledError(Exception):
    """The consumer will deliver no more records: it has to be replaced."""


def require_alive(tasks: Mapping[str, "asyncio.Task[Any]"]) -> None:
    """Raise ConsumerStalledError if an inner task has ended: the library then returns no records forever."""
    for name, task in tasks.items():
        if task.done():
            error = None if task.cancelled() else task.exception()
            raise ConsumerStalledError(f"the {name} task of the client ended: {error or 'cancelled'}")


class CommitRejections:
    """Detects a group member whose commits are rejected and that does not rejoin."""

    def __init__(self) -> None:
        self._rejected_since: float | None = None

    def record_success(self) -> None:
        """Note that a commit succeeded."""
        self._rejected_since = None

    def record_rejection(self) -> None:
        """Note that the group rejected a commit.

        Raises ConsumerStalledError once commits have been rejected for REJOIN_TIMEOUT_SECONDS.
        """
        now = time.monotonic()
        self._rejected_since = self._rejected_since or now
        if now > self._rejected_since + REJOIN_TIMEOUT_SECONDS:
            raise ConsumerStalledError("the group refuses its commits, and it does not join again")


class StallDetector:
    """Detects partitions with unread records from which nothing arrives, in two checks in a row.

    Between checks, brokers that were silent for `idle_probe_seconds` are asked for their end offsets, so
    that `last_response` shows whether they answer.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        idle_probe_seconds: float = math.inf,
        heartbeat: Callable[[], None] = no_heartbeat,
    ) -> None:
        self._consumer = consumer
        self._idle_probe_seconds = idle_probe_seconds
        self._heartbeat = heartbeat
        self._next_check = time.monotonic() + CHECK_INTERVAL_SECONDS
        self._delivered: set[TopicPartition] = set()
        self._poll_was_full = False
        self._misses: dict[TopicPartition, int] = {}
        self.last_response = time.monotonic()
        """When the brokers last answered, by `time.monotonic()`."""

    def record_poll(self, partitions: Iterable[TopicPartition], *, is_full: bool) -> None:
        """Note which partitions a poll returned; a full one may have left records of others for the next."""
        delivered = set(partitions)
        if delivered:
            self.record_response()
        self._delivered |= delivered
        self._poll_was_full = self._poll_was_full or is_full

    def record_response(self) -> None:
        """Note that the brokers answered."""
        self.last_response = time.monotonic()

    async def check(self) -> None:
        """Compare positions with end offsets every CHECK_INTERVAL_SECONDS, and probe idle brokers between.

        Raises ConsumerStalledError; brokers that do not answer are no reason for it.
        """
        if time.monotonic() >= self._next_check:
            await self._check_lag()
        elif time.monotonic() >= self.last_response + self._idle_probe_seconds:
            await self._end_offsets()

    async def _check_lag(self) -> None:
        delivered, saturated = self._delivered, self._poll_was_full
        self._delivered, self._poll_was_full = set(), False
        lagging = set() if saturated else await self._lagging_partitions() - delivered
        self._misses = {partition: self._misses.get(partition, 0) + 1 for partition in lagging}
        self._next_check = time.monotonic() + CHECK_INTERVAL_SECONDS
        for partition, misses in self._misses.items():
            if misses >= MAX_MISSES:
                raise ConsumerStalledError(
                    f"{partition.topic}/{partition.partition} has records that do not arrive"
                )

    async def _lagging_partitions(self) -> set[TopicPartition]:
        ends = await self._end_offsets()
        assigned = [partition for partition in ends if partition in self._consumer.assignment()]
        positions = await asyncio.gather(*map(self._position, assigned))
        return {
            partition
            for partition, position in zip(assigned, positions, strict=True)
            if position < ends[partition]
        }

    async def _end_offsets(self) -> dict[TopicPartition, int]:
        """End offsets of the assigned partitions; empty if the brokers do not answer."""
        try:
            partitions = self._consumer.assignment() or self._subscribed_partitions()
            if not partitions:
                return {}
            ends = await call_with_deadline(
                REQUEST_TIMEOUT_SECONDS, self._consumer.end_offsets(partitions), heartbeat=self._heartbeat
            )
        except CLIENT_ERRORS:
            return {}
        if ends:
            self.record_response()
        return dict(ends)

    def _subscribed_partitions(self) -> set[TopicPartition]:
        """All partitions of the topics: a member without an assignment probes the brokers with them."""
        topics = self._consumer.subscription()
        return {
            TopicPartition(topic, number)
            for topic in topics
            for number in self._consumer.partitions_for_topic(topic) or ()
        }

    async def _position(self, partition: TopicPartition) -> float:
        """The next offset to read; -1 if it is not known in time, infinity if the partition was revoked."""
        try:
            position = await call_with_deadline(
                POSITION_TIMEOUT_SECONDS, self._consumer.position(partition), heartbeat=self._heartbeat
            )
            return float(position)
        except DeadlineExceededError:
            return -1.0
        except CLIENT_ERRORS:
            return math.inf
