"""Notices a consumer that has stopped consuming without saying so."""

import asyncio
import math
import time
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from messaging.clients import FAILURES, REQUEST_SECONDS
from messaging.guard import Overdue, within

CHECK_SECONDS = 5.0
"""How often positions are held against the ends: two strikes find a dead fetcher within 15 s."""
STRIKES = 2
POSITION_SECONDS = 5.0
"""A position is known at once, or not before the coordinator answers."""
REFUSED_SECONDS = 10.0
"""A member that was given up joins again within a moment; one whose commits are still refused does not."""


class Stuck(Exception):
    """The consumer will deliver nothing more: only a new one helps."""


def require_alive(tasks: Mapping[str, "asyncio.Task[Any]"]) -> None:
    """Raise Stuck when an inner task has ended: the library then returns nothing for ever, without error."""
    for name, task in tasks.items():
        if task.done():
            error = None if task.cancelled() else task.exception()
            raise Stuck(f"the {name} task of the client ended: {error or 'cancelled'}")


class Refusals:
    """Finds a member whose commits the group refuses, and that does not join it again."""

    def __init__(self) -> None:
        self._since: float | None = None

    def taken(self) -> None:
        """A commit was taken."""
        self._since = None

    def refused(self) -> None:
        """A commit was refused: the group has parted with this member. Raises Stuck when it was so before."""
        now = time.monotonic()
        self._since = self._since or now
        if now > self._since + REFUSED_SECONDS:
            raise Stuck("the group refuses its commits, and it does not join again")


class LagCheck:
    """Finds partitions that lie behind their end while nothing arrives from them, twice in a row.

    Brokers that said nothing for `ask_seconds` are asked for a sign of life in between, too.
    """

    def __init__(self, consumer: AIOKafkaConsumer, ask_seconds: float = math.inf) -> None:
        self._consumer = consumer
        self._ask_seconds = ask_seconds
        self._next = time.monotonic() + CHECK_SECONDS
        self._delivered: set[TopicPartition] = set()
        self._saturated = False
        self._strikes: dict[TopicPartition, int] = {}
        self.answered = time.monotonic()
        """When the brokers last gave a sign of life, by `time.monotonic()`."""

    def saw(self, partitions: Iterable[TopicPartition], *, full: bool) -> None:
        """Note what a poll brought; a `full` one may have left other partitions waiting their turn."""
        arrived = set(partitions)
        if arrived:
            self.heard()
        self._delivered |= arrived
        self._saturated = self._saturated or full

    def heard(self) -> None:
        """The brokers gave a sign of life."""
        self.answered = time.monotonic()

    async def check(self) -> None:
        """Ask for a sign of life, and every CHECK_SECONDS compare.

        Raises Stuck. Brokers that do not answer are no reason.
        """
        if time.monotonic() >= self._next:
            await self._compare()
        elif time.monotonic() >= self.answered + self._ask_seconds:
            await self._ends()

    async def _compare(self) -> None:
        delivered, saturated = self._delivered, self._saturated
        self._delivered, self._saturated = set(), False
        behind = set() if saturated else await self._behind() - delivered
        self._strikes = {partition: self._strikes.get(partition, 0) + 1 for partition in behind}
        self._next = time.monotonic() + CHECK_SECONDS
        for partition, strikes in self._strikes.items():
            if strikes >= STRIKES:
                raise Stuck(f"{partition.topic}/{partition.partition} has records that do not arrive")

    async def _behind(self) -> set[TopicPartition]:
        ends = await self._ends()
        partitions = [one for one in ends if one in self._consumer.assignment()]
        positions = await asyncio.gather(*map(self._position, partitions))
        return {one for one, position in zip(partitions, positions, strict=True) if position < ends[one]}

    async def _ends(self) -> dict[TopicPartition, int]:
        """Where the partitions end; nothing where the brokers do not answer."""
        try:
            asked = self._consumer.assignment() or self._subscribed()
            ends = await within(REQUEST_SECONDS, self._consumer.end_offsets(asked)) if asked else {}
        except FAILURES:
            return {}
        if ends:
            self.heard()
        return dict(ends)

    def _subscribed(self) -> set[TopicPartition]:
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
            return float(await within(POSITION_SECONDS, self._consumer.position(partition)))
        except Overdue:
            return -1.0
        except FAILURES:
            return math.inf
