"""What a soak does and when, all of it from the seed: a longer soak begins as a shorter one does."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeVar

from tests.soak.poison import KINDS
from tests.soak.sources import NAMES, REFERENCES

FIRST_JOBS = 5
"""Asked for at once, before the first fault."""
LONG_SOAK_SECONDS = 120
"""Only soaks at least this long have faults that take a minute each."""
REPLICAS = 2
SLOW_DOWN_AFTER_SECONDS = 300
"""From here on jobs come more slowly: there are enough to meet."""


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job asked for: a source of the pool, how it is named, and what people do about it later."""

    at: float
    number: int
    source: str
    reference: str
    repeat_after: float | None
    cancel_after: float | None
    retry_after: float | None

    @property
    def request_id(self) -> str:
        """Its request."""
        return f"soak-{self.number}"


@dataclass(frozen=True, slots=True)
class PoisonMessage:
    """An invalid or hostile message or file."""

    at: float
    number: int
    kind: str

    @property
    def request_id(self) -> str:
        """Its request, or the key of its message."""
        return f"poison-{self.number}"


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """Something that breaks for some seconds; `chance` decides the rest of it."""

    at: float
    kind: str
    seconds: float
    seed: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything, each kind in order of time. What befalls replicas and what befalls servers overlaps."""

    seed: int
    seconds: float
    jobs: tuple[PlannedJob, ...]
    poisons: tuple[PoisonMessage, ...]
    process_faults: tuple[PlannedFault, ...]
    server_faults: tuple[PlannedFault, ...]


@dataclass(frozen=True, slots=True)
class FaultProfile:
    """How often a fault comes beside the others, and how long it lasts."""

    weight: int
    min_seconds: float
    max_seconds: float
    long: bool = False


PROCESS_FAULTS: Mapping[str, FaultProfile] = {
    "kill -9 of a replica": FaultProfile(4, 0, 4),
    "a replica killed at a named point": FaultProfile(5, 3, 8),
    "a replica frozen beyond its lease": FaultProfile(3, 7, 12),
    "SIGTERM and start": FaultProfile(4, 0, 2),
    "SIGTERM twice": FaultProfile(1, 0, 1),
    "kill -9 of the children": FaultProfile(2, 0, 1),
    "kill -9 of the fork server": FaultProfile(2, 0, 1),
    "both replicas killed": FaultProfile(1, 0, 3),
}
SERVER_FAULTS: Mapping[str, FaultProfile] = {
    "the answer to a COMMIT lost": FaultProfile(6, 1, 3),
    "backends ended": FaultProfile(3, 0, 1),
    "connections to Postgres reset": FaultProfile(3, 0, 1),
    "Postgres cut off": FaultProfile(2, 1, 5),
    "Postgres slow": FaultProfile(2, 2, 5),
    "Postgres stalled": FaultProfile(1, 3, 6),
    "Postgres blackholed": FaultProfile(2, 3, 8),
    "Postgres restarted at once": FaultProfile(2, 0, 1),
    "connections to Kafka reset": FaultProfile(2, 0, 1),
    "Kafka cut off": FaultProfile(2, 1, 6),
    "Kafka slow": FaultProfile(1, 2, 5),
    "Kafka blackholed": FaultProfile(1, 3, 8),
    "Google: 429": FaultProfile(2, 2, 4),
    "Google: 503": FaultProfile(2, 2, 4),
    "Google: cut off in the middle": FaultProfile(2, 2, 4),
    "the broker stopped and started": FaultProfile(2, 1, 5, long=True),
    "kill -9 of the broker": FaultProfile(1, 1, 3, long=True),
    "Postgres stopped for long": FaultProfile(1, 15, 30, long=True),
    "Postgres blackholed for long": FaultProfile(1, 20, 40, long=True),
    "Kafka blackholed for long": FaultProfile(1, 20, 45, long=True),
    "Google: no answer": FaultProfile(1, 15, 30, long=True),
}

T = TypeVar("T", PlannedJob, PoisonMessage, PlannedFault)


def make_plan(seed: int, seconds: float) -> Plan:
    """The plan of a seed."""
    long = seconds >= LONG_SOAK_SECONDS

    def cut(what: str, made: Callable[[random.Random], Iterator[T]]) -> tuple[T, ...]:
        return tuple(takewhile(lambda item: item.at < seconds, made(random.Random(f"{seed} {what}"))))

    return Plan(
        seed,
        seconds,
        cut("jobs", _plan_jobs),
        cut("poisons", _plan_poisons),
        cut("processes", lambda chance: _plan_faults(chance, PROCESS_FAULTS, long=long, pause=4.0)),
        cut("servers", lambda chance: _plan_faults(chance, SERVER_FAULTS, long=long, pause=3.0)),
    )


def _plan_jobs(rng: random.Random) -> Iterator[PlannedJob]:
    at, number = 0.0, 0
    while True:
        source = rng.choice(NAMES)
        cancelled = rng.random() < 0.15
        yield PlannedJob(
            at=at,
            number=number,
            source=source,
            reference=rng.choice(REFERENCES[source.partition(" ")[0]]),
            repeat_after=rng.uniform(0, 20) if rng.random() < 0.2 else None,
            cancel_after=rng.uniform(0.2, 6) if cancelled else None,
            retry_after=rng.uniform(3, 15) if cancelled and rng.random() < 0.7 else None,
        )
        number += 1
        if number >= FIRST_JOBS:
            at += rng.uniform(1, 5) * (1 if at < SLOW_DOWN_AFTER_SECONDS else 2)


def _plan_poisons(rng: random.Random) -> Iterator[PoisonMessage]:
    at, number = 1.0, 0
    while True:
        yield PoisonMessage(at, number, rng.choice(KINDS))
        number += 1
        at += rng.uniform(1, 8)


def _plan_faults(
    rng: random.Random, kinds: Mapping[str, FaultProfile], *, long: bool, pause: float
) -> Iterator[PlannedFault]:
    usual = {kind: found for kind, found in kinds.items() if not found.long}
    at = rng.uniform(2, 4)
    while True:
        known = kinds if long else usual
        kind = rng.choices(list(known), [item.weight for item in known.values()])[0]
        seconds = rng.uniform(known[kind].min_seconds, known[kind].max_seconds)
        yield PlannedFault(at, kind, seconds, rng.randrange(1 << 30))
        at += seconds + rng.uniform(0.5, pause)
