"""Whether the service is alive (its long-lived tasks make progress) and ready (what it leans on answers)."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from consumer.pulse import TaskHeartbeat

STALL_TIMEOUT_SECONDS = 12.0
"""No step of a task that is well is longer, an outage of Kafka or Postgres included: longer waits report."""
FAILURE_HOLD_SECONDS = 15.0
"""A task that died counts as dead for so long, although it was begun anew: longer than it waits for that."""
CHECK_TIMEOUT_SECONDS = 3.0

ReadinessCheck = Callable[[], Awaitable[str | None]]
"""Asks something the service leans on: None when all is well, else a sentence that says what is wrong."""


@dataclass(frozen=True, slots=True)
class _MonitoredTask:
    stall_timeout: float
    last_progress: Callable[[], float]


class HealthRegistry:
    """Long-lived tasks report here; the probes ask here. `clock` gives seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_beats: dict[str, float] = {}
        self._tasks: dict[str, _MonitoredTask] = {}
        self._failures: dict[str, float] = {}
        self._checks: dict[str, ReadinessCheck] = {}
        self._running_checks: dict[str, asyncio.Task[str | None]] = {}

    def register(
        self,
        name: str,
        stall_timeout: float = STALL_TIMEOUT_SECONDS,
        last_progress: Callable[[], float] | None = None,
    ) -> None:
        """Count a task as stuck when it reports nothing for `limit` seconds, from now on.

        A task that keeps the time of its last progress itself is asked by `last`, too.
        """
        self._last_beats[name] = self._clock() if last_progress is None else -math.inf
        self._tasks[name] = _MonitoredTask(stall_timeout, last_progress or (lambda: -math.inf))

    def beat(self, name: str) -> None:
        """A task reports progress; one that was not expected is from now on."""
        if name not in self._tasks:
            self.register(name)
        self._last_beats[name] = self._clock()

    def mark_failed(self, name: str) -> None:
        """A task died of an error of its own."""
        self._failures[name] = self._clock()

    def unregister(self, name: str) -> None:
        """Expect nothing more of a task; if it died, that is told for a while all the same."""
        self._tasks.pop(name, None)
        self._last_beats.pop(name, None)

    def heartbeat_for(self, name: str, last_progress: Callable[[], float] | None = None) -> TaskHeartbeat:
        """Expect a task from now on; by what it gets it reports."""
        self.register(name, last_progress=last_progress)
        return TaskHeartbeat(
            beat=partial(self.beat, name),
            mark_failed=partial(self.mark_failed, name),
            unregister=partial(self.unregister, name),
            is_stalled=partial(self.is_stalled, name),
        )

    def add_readiness_check(self, name: str, check: ReadinessCheck) -> None:
        """Count the service as ready only while the check finds nothing wrong."""
        self._checks[name] = check

    def seconds_since_progress(self) -> dict[str, float]:
        """Seconds since the last progress of each task."""
        now = self._clock()
        return {
            name: round(max(now - max(self._last_beats[name], task.last_progress()), 0.0), 1)
            for name, task in sorted(self._tasks.items())
        }

    def is_stalled(self, name: str) -> bool:
        """Whether a task made no progress within its limit."""
        return name in self._tasks and self.seconds_since_progress()[name] > self._tasks[name].stall_timeout

    def unhealthy_tasks(self) -> list[str]:
        """Tasks that made no progress within their limit, or died lately."""
        now = self._clock()
        self._failures = {name: at for name, at in self._failures.items() if now - at <= FAILURE_HOLD_SECONDS}
        return sorted({*filter(self.is_stalled, self._tasks), *self._failures})

    async def failing_checks(self) -> dict[str, str]:
        """What the service leans on and cannot use now, with a sentence each."""
        names = sorted(self._checks)
        found = await asyncio.gather(*(self._run_check(name) for name in names))
        return {name: wrong for name, wrong in zip(names, found, strict=True) if wrong is not None}

    async def _run_check(self, name: str) -> str | None:
        """What a check finds, within the limit.

        It is not cancelled but asked once at a time: letting go of a silent connection takes long, too.
        """
        asking = self._running_checks.get(name)
        if asking is None:
            asking = self._running_checks[name] = asyncio.create_task(_check_result(name, self._checks[name]))
            asking.add_done_callback(lambda _: self._running_checks.pop(name))
        await asyncio.wait({asking}, timeout=CHECK_TIMEOUT_SECONDS)
        return (
            asking.result() if asking.done() else f"{name} did not answer within {CHECK_TIMEOUT_SECONDS:g} s"
        )


async def _check_result(name: str, check: ReadinessCheck) -> str | None:
    try:
        return await check()
    except Exception as error:  # noqa: BLE001 – a check that breaks is an answer, too
        return f"{name} could not be asked ({type(error).__name__})"
