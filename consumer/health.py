"""Whether the service is alive (its long-lived tasks make progress) and ready (what it leans on answers)."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from consumer.pulse import Pulse

LIMIT_SECONDS = 12.0
"""No step of a task that is well is longer, an outage of Kafka or Postgres included: longer waits report."""
DEAD_SECONDS = 15.0
"""A task that died counts as dead for so long, although it was begun anew: longer than it waits for that."""
READY_SECONDS = 3.0

Check = Callable[[], Awaitable[str | None]]
"""Asks something the service leans on: None when all is well, else a sentence that says what is wrong."""


@dataclass(frozen=True, slots=True)
class _Task:
    limit: float
    last: Callable[[], float]


class Health:
    """Long-lived tasks report here; the probes ask here. `clock` gives seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, float] = {}
        self._tasks: dict[str, _Task] = {}
        self._deaths: dict[str, float] = {}
        self._checks: dict[str, Check] = {}
        self._asking: dict[str, asyncio.Task[str | None]] = {}

    def expect(
        self, name: str, limit: float = LIMIT_SECONDS, last: Callable[[], float] | None = None
    ) -> None:
        """Count a task as stuck when it reports nothing for `limit` seconds, from now on.

        A task that keeps the time of its last progress itself is asked by `last`, too.
        """
        self._seen[name] = self._clock() if last is None else -math.inf
        self._tasks[name] = _Task(limit, last or (lambda: -math.inf))

    def alive(self, name: str) -> None:
        """A task reports progress; one that was not expected is from now on."""
        if name not in self._tasks:
            self.expect(name)
        self._seen[name] = self._clock()

    def died(self, name: str) -> None:
        """A task died of an error of its own."""
        self._deaths[name] = self._clock()

    def forget(self, name: str) -> None:
        """Expect nothing more of a task; if it died, that is told for a while all the same."""
        self._tasks.pop(name, None)
        self._seen.pop(name, None)

    def pulse(self, name: str, last: Callable[[], float] | None = None) -> Pulse:
        """Expect a task from now on; by what it gets it reports."""
        self.expect(name, last=last)
        return Pulse(
            alive=partial(self.alive, name),
            died=partial(self.died, name),
            ended=partial(self.forget, name),
            hung=partial(self.hung, name),
        )

    def ready_when(self, name: str, check: Check) -> None:
        """Count the service as ready only while the check finds nothing wrong."""
        self._checks[name] = check

    def progress(self) -> dict[str, float]:
        """Seconds since the last progress of each task."""
        now = self._clock()
        return {
            name: round(max(now - max(self._seen[name], task.last()), 0.0), 1)
            for name, task in sorted(self._tasks.items())
        }

    def hung(self, name: str) -> bool:
        """Whether a task made no progress within its limit."""
        return name in self._tasks and self.progress()[name] > self._tasks[name].limit

    def stuck(self) -> list[str]:
        """Tasks that made no progress within their limit, or died lately."""
        now = self._clock()
        self._deaths = {name: at for name, at in self._deaths.items() if now - at <= DEAD_SECONDS}
        return sorted({*filter(self.hung, self._tasks), *self._deaths})

    async def unready(self) -> dict[str, str]:
        """What the service leans on and cannot use now, with a sentence each."""
        names = sorted(self._checks)
        found = await asyncio.gather(*(self._ask(name) for name in names))
        return {name: wrong for name, wrong in zip(names, found, strict=True) if wrong is not None}

    async def _ask(self, name: str) -> str | None:
        """What a check finds, within the limit.

        It is not cancelled but asked once at a time: letting go of a silent connection takes long, too.
        """
        asking = self._asking.get(name)
        if asking is None:
            asking = self._asking[name] = asyncio.create_task(_answer(name, self._checks[name]))
            asking.add_done_callback(lambda _: self._asking.pop(name))
        await asyncio.wait({asking}, timeout=READY_SECONDS)
        return asking.result() if asking.done() else f"{name} did not answer within {READY_SECONDS:g} s"


async def _answer(name: str, check: Check) -> str | None:
    try:
        return await check()
    except Exception as error:  # noqa: BLE001 – a check that breaks is an answer, too
        return f"{name} could not be asked ({type(error).__name__})"
