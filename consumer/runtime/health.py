"""Liveness and readiness: heartbeats of long-lived tasks, and checks of what the service depends on."""

import asyncio
import time
from collections.abc import Awaitable, Callable

STALL_TIMEOUT_SECONDS = 12.0
"""Longer than any step of a healthy task, also during an outage of Kafka or Postgres. Longer waits beat."""
FAILURE_HOLD_SECONDS = 15.0
"""A crashed task counts as unhealthy for this long although it was restarted: longer than the backoff."""
CHECK_TIMEOUT_SECONDS = 3.0

ReadinessCheck = Callable[[], Awaitable[str | None]]
"""Checks a dependency of the service: None if it can be used, else a sentence that says what is wrong."""


class Heartbeat:
    """Progress reports of one long-lived task; `HealthRegistry.register` makes those that the probes see.

    A task counts as stalled when it has not called `beat` for `stall_timeout` seconds since it was
    registered. `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        name: str,
        stall_timeout: float = STALL_TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.is_registered = True
        self._stall_timeout = stall_timeout
        self._clock = clock
        self._last_beat = clock()
        self._failed_at: float | None = None

    def beat(self) -> None:
        """Report progress."""
        self._last_beat = self._clock()

    def mark_failed(self) -> None:
        """Report that the task crashed."""
        self._failed_at = self._clock()

    def unregister(self) -> None:
        """Expect no further progress; a crash is reported for FAILURE_HOLD_SECONDS all the same."""
        self.is_registered = False

    def seconds_since_beat(self) -> float:
        """Seconds since the last progress, to a tenth."""
        return round(max(self._clock() - self._last_beat, 0.0), 1)

    def is_stalled(self) -> bool:
        """Whether the task made no progress within its timeout."""
        return self.is_registered and self.seconds_since_beat() > self._stall_timeout

    def has_failed(self) -> bool:
        """Whether the task crashed within the last FAILURE_HOLD_SECONDS."""
        return self._failed_at is not None and self._clock() - self._failed_at <= FAILURE_HOLD_SECONDS


class HealthRegistry:
    """Heartbeats of all long-lived tasks, and readiness checks. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heartbeats: dict[str, Heartbeat] = {}
        self._checks: dict[str, ReadinessCheck] = {}
        self._running_checks: dict[str, asyncio.Task[str | None]] = {}

    def register(self, name: str, stall_timeout: float = STALL_TIMEOUT_SECONDS) -> Heartbeat:
        """Expect progress of a task from now on, until its heartbeat is unregistered.

        Raises ValueError if the name is registered: of two heartbeats the probes would see only one.
        """
        current = self._current_heartbeats()
        if name in current and current[name].is_registered:
            raise ValueError(f"the task {name} is registered already")
        heartbeat = Heartbeat(name, stall_timeout, self._clock)
        self._heartbeats = {**current, name: heartbeat}
        return heartbeat

    def add_readiness_check(self, name: str, check: ReadinessCheck) -> None:
        """Report the service as ready only while the check returns None."""
        self._checks[name] = check

    def seconds_since_progress(self) -> dict[str, float]:
        """Seconds since the last progress, by task."""
        return {
            name: heartbeat.seconds_since_beat()
            for name, heartbeat in sorted(self._heartbeats.items())
            if heartbeat.is_registered
        }

    def unhealthy_tasks(self) -> list[str]:
        """Names of tasks that are stalled or crashed lately."""
        return sorted(
            name
            for name, heartbeat in self._heartbeats.items()
            if heartbeat.is_stalled() or heartbeat.has_failed()
        )

    async def failing_checks(self) -> dict[str, str]:
        """Dependencies that cannot be used now, each with a sentence that says why."""
        names = sorted(self._checks)
        results = await asyncio.gather(*(self._run_check(name) for name in names))
        return {name: result for name, result in zip(names, results, strict=True) if result is not None}

    def _current_heartbeats(self) -> dict[str, Heartbeat]:
        """Those that may still be reported: the others, one a job, would pile up."""
        return {
            name: heartbeat
            for name, heartbeat in self._heartbeats.items()
            if heartbeat.is_registered or heartbeat.has_failed()
        }

    async def _run_check(self, name: str) -> str | None:
        """The result of a check, or that it timed out.

        A check that times out goes on, and is shared by later calls: cancelling it would take long as well,
        since it waits for a silent connection.
        """
        check = self._running_checks.get(name)
        if check is None:
            check = self._running_checks[name] = asyncio.create_task(_check_result(name, self._checks[name]))
            check.add_done_callback(lambda _: self._running_checks.pop(name))
        await asyncio.wait({check}, timeout=CHECK_TIMEOUT_SECONDS)
        return check.result() if check.done() else f"{name} did not answer within {CHECK_TIMEOUT_SECONDS:g} s"


async def _check_result(name: str, check: ReadinessCheck) -> str | None:
    try:
        return await check()
    except Exception as error:  # noqa: BLE001 – a check that raises counts as failed
        return f"{name} could not be asked ({type(error).__name__})"
