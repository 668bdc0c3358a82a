"""What a soak does and when, all of it from the seed: a longer soak begins as a shorter one does."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeVar

from tests.soak.poison import POISONS
from tests.soak.pool import NAMES, WAYS

FIRST_JOBS = 5
"""Asked for at once, before the first fault."""
LONG_SECONDS = 120
"""Only soaks at least this long have faults that take a minute each."""
REPLICAS = 2
MANY_JOBS_SECONDS = 300
"""From here on jobs come more slowly: there are enough to meet."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A job asked for: a source of the pool, how it is named, and what people do about it later."""

    at: float
    number: int
    source: str
    way: str
    again_after: float | None
    cancel_after: float | None
    retry_after: float | None

    @property
    def request_id(self) -> str:
        """Its request."""
        return f"soak-{self.number}"


@dataclass(frozen=True, slots=True)
class Poison:
    """Something that nobody should send."""

    at: float
    number: int
    kind: str

    @property
    def request_id(self) -> str:
        """Its request, or the key of its message."""
        return f"poison-{self.number}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that breaks for some seconds; `chance` decides the rest of it."""

    at: float
    kind: str
    seconds: float
    chance: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything, each kind in order of time. What befalls replicas and what befalls servers overlaps."""

    seed: int
    seconds: float
    asked: tuple[Asked, ...]
    poisons: tuple[Poison, ...]
    processes: tuple[Fault, ...]
    servers: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """How often a fault comes beside the others, and how long it lasts."""

    weight: int
    fewest: float
    most: float
    long: bool = False


PROCESSES: Mapping[str, Range] = {
    "kill -9 of a replica": Range(4, 0, 4),
    "a replica killed at a named point": Range(5, 3, 8),
    "a replica frozen beyond its lease": Range(3, 7, 12),
    "SIGTERM and start": Range(4, 0, 2),
    "SIGTERM twice": Range(1, 0, 1),
    "kill -9 of the children": Range(2, 0, 1),
    "both replicas killed": Range(1, 0, 3),
}
SERVERS: Mapping[str, Range] = {
    "the answer to a COMMIT lost": Range(6, 1, 3),
    "backends ended": Range(3, 0, 1),
    "connections to Postgres reset": Range(3, 0, 1),
    "Postgres cut off": Range(2, 1, 5),
    "Postgres slow": Range(2, 2, 5),
    "Postgres silent": Range(1, 3, 6),
    "Postgres swallowed": Range(2, 3, 8),
    "Postgres restarted at once": Range(2, 0, 1),
    "connections to Kafka reset": Range(2, 0, 1),
    "Kafka cut off": Range(2, 1, 6),
    "Kafka slow": Range(1, 2, 5),
    "Kafka swallowed": Range(1, 3, 8),
    "Google: 429": Range(2, 2, 4),
    "Google: 503": Range(2, 2, 4),
    "Google: cut off in the middle": Range(2, 2, 4),
    "the broker stopped and started": Range(2, 1, 5, long=True),
    "kill -9 of the broker": Range(1, 1, 3, long=True),
    "Postgres stopped for long": Range(1, 15, 30, long=True),
    "Postgres swallowed for long": Range(1, 20, 40, long=True),
    "Kafka swallowed for long": Range(1, 20, 45, long=True),
    "Google: no answer": Range(1, 15, 30, long=True),
}

T = TypeVar("T", Asked, Poison, Fault)


def make(seed: int, seconds: float) -> Plan:
    """The plan of a seed."""
    long = seconds >= LONG_SECONDS

    def cut(what: str, made: Callable[[random.Random], Iterator[T]]) -> tuple[T, ...]:
        return tuple(takewhile(lambda one: one.at < seconds, made(random.Random(f"{seed} {what}"))))

    return Plan(
        seed,
        seconds,
        cut("jobs", _asked),
        cut("poisons", _poisons),
        cut("processes", lambda chance: _faults(chance, PROCESSES, long=long, pause=4.0)),
        cut("servers", lambda chance: _faults(chance, SERVERS, long=long, pause=3.0)),
    )


def _asked(chance: random.Random) -> Iterator[Asked]:
    at, number = 0.0, 0
    while True:
        source = chance.choice(NAMES)
        cancelled = chance.random() < 0.15
        yield Asked(
            at=at,
            number=number,
            source=source,
            way=chance.choice(WAYS[source.partition(" ")[0]]),
            again_after=chance.uniform(0, 20) if chance.random() < 0.2 else None,
            cancel_after=chance.uniform(0.2, 6) if cancelled else None,
            retry_after=chance.uniform(3, 15) if cancelled and chance.random() < 0.7 else None,
        )
        number += 1
        if number >= FIRST_JOBS:
            at += chance.uniform(1, 5) * (1 if at < MANY_JOBS_SECONDS else 2)


def _poisons(chance: random.Random) -> Iterator[Poison]:
    at, number = 1.0, 0
    while True:
        yield Poison(at, number, chance.choice(POISONS))
        number += 1
        at += chance.uniform(1, 8)


def _faults(
    chance: random.Random, kinds: Mapping[str, Range], *, long: bool, pause: float
) -> Iterator[Fault]:
    usual = {kind: found for kind, found in kinds.items() if not found.long}
    at = chance.uniform(2, 4)
    while True:
        known = kinds if long else usual
        kind = chance.choices(list(known), [one.weight for one in known.values()])[0]
        seconds = chance.uniform(known[kind].fewest, known[kind].most)
        yield Fault(at, kind, seconds, chance.randrange(1 << 30))
        at += seconds + chance.uniform(0.5, pause)
