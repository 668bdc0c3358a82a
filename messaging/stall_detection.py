"""Notices a consumer that has stopped consuming without saying so."""

import asyncio
import math
import time
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from messaging.clients import CLIENT_ERRORS, REQUEST_TIMEOUT_SECONDS
from messaging.timeouts import DeadlineExceededError, call_with_deadline

CHECK_INTERVAL_SECONDS = 5.0
"""How often positions are held against the ends: two strikes find a dead fetcher within 15 s."""
MAX_MISSES = 2
POSITION_TIMEOUT_SECONDS = 5.0
"""A position is known at once, or not before the coordinator answers."""
REJOIN_TIMEOUT_SECONDS = 10.0
"""A member that was given up joins again within a moment; one whose commits are still refused does not."""


class ConsumerStalledError(Exception):
    """The consumer will deliver nothing more: only a new one helps."""


def require_alive(tasks: Mapping[str, "asyncio.Task[Any]"]) -> None:
    """Raise Stuck when an inner task has ended: the library then returns nothing for ever, without error."""
    for name, task in tasks.items():
        if task.done():
            error = None if task.cancelled() else task.exception()
            raise ConsumerStalledError(f"the {name} task of the client ended: {error or 'cancelled'}")


class CommitRejections:
    """Finds a member whose commits the group refuses, and that does not join it again."""

    def __init__(self) -> None:
        self._rejected_since: float | None = None

    def record_success(self) -> None:
        """A commit was taken."""
        self._rejected_since = None

    def record_rejection(self) -> None:
        """A commit was refused: the group has parted with this member. Raises Stuck when it was so before."""
        now = time.monotonic()
        self._rejected_since = self._rejected_since or now
        if now > self._rejected_since + REJOIN_TIMEOUT_SECONDS:
            raise ConsumerStalledError("the group refuses its commits, and it does not join again")


class StallDetector:
    """Finds partitions that lie behind their end while nothing arrives from them, twice in a row.

    Brokers that said nothing for `ask_seconds` are asked for a sign of life in between, too.
    """

    def __init__(self, consumer: AIOKafkaConsumer, idle_probe_seconds: float = math.inf) -> None:
        self._consumer = consumer
        self._idle_probe_seconds = idle_probe_seconds
        self._next_check = time.monotonic() + CHECK_INTERVAL_SECONDS
        self._delivered: set[TopicPartition] = set()
        self._poll_was_full = False
        self._misses: dict[TopicPartition, int] = {}
        self.last_response = time.monotonic()
        """When the brokers last gave a sign of life, by `time.monotonic()`."""

    def record_poll(self, partitions: Iterable[TopicPartition], *, is_full: bool) -> None:
        """Note what a poll brought; a `full` one may have left other partitions waiting their turn."""
        arrived = set(partitions)
        if arrived:
            self.record_response()
        self._delivered |= arrived
        self._poll_was_full = self._poll_was_full or is_full

    def record_response(self) -> None:
        """The brokers gave a sign of life."""
        self.last_response = time.monotonic()

    async def check(self) -> None:
        """Ask for a sign of life, and every CHECK_INTERVAL_SECONDS compare.

        Raises Stuck. Brokers that do not answer are no reason.
        """
        if time.monotonic() >= self._next_check:
            await self._check_lag()
        elif time.monotonic() >= self.last_response + self._idle_probe_seconds:
            await self._end_offsets()

    async def _check_lag(self) -> None:
        delivered, saturated = self._delivered, self._poll_was_full
        self._delivered, self._poll_was_full = set(), False
        behind = set() if saturated else await self._lagging_partitions() - delivered
        self._misses = {partition: self._misses.get(partition, 0) + 1 for partition in behind}
        self._next_check = time.monotonic() + CHECK_INTERVAL_SECONDS
        for partition, strikes in self._misses.items():
            if strikes >= MAX_MISSES:
                raise ConsumerStalledError(
                    f"{partition.topic}/{partition.partition} has records that do not arrive"
                )

    async def _lagging_partitions(self) -> set[TopicPartition]:
        ends = await self._end_offsets()
        partitions = [one for one in ends if one in self._consumer.assignment()]
        positions = await asyncio.gather(*map(self._position, partitions))
        return {one for one, position in zip(partitions, positions, strict=True) if position < ends[one]}

    async def _end_offsets(self) -> dict[TopicPartition, int]:
        """Where the partitions end; nothing where the brokers do not answer."""
        try:
            asked = self._consumer.assignment() or self._subscribed_partitions()
            ends = (
                await call_with_deadline(REQUEST_TIMEOUT_SECONDS, self._consumer.end_offsets(asked))
                if asked
                else {}
            )
        except CLIENT_ERRORS:
            return {}
        if ends:
            self.record_response()
        return dict(ends)

    def _subscribed_partitions(self) -> set[TopicPartition]:
        """All partitions, for a member that was given none: it asks the brokers, too."""
        topics = self._consumer.subscription()
        return {
            TopicPartition(topic, number)
            for topic in topics
            for number in self._consumer.partitions_for_topic(topic) or ()
        }

    async def _position(self, partition: TopicPartition) -> float:
        """Where it reads; before everything when it has no position, behind everything when it moved away."""
        try:
            return float(
                await call_with_deadline(POSITION_TIMEOUT_SECONDS, self._consumer.position(partition))
            )
        except DeadlineExceededError:
            return -1.0
        except CLIENT_ERRORS:
            return math.inf
