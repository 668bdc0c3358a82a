"""How a long-lived task tells whoever watches that it moves, that it died, or that it is needed no more."""

from collections.abc import Callable
from dataclasses import dataclass


def _noop() -> None:
    """For a task that nobody watches."""


def _never_stalled() -> bool:
    """A task that nobody watches never hangs."""
    return False


@dataclass(frozen=True, slots=True)
class TaskHeartbeat:
    """`alive` at every step; `mark_failed` of an error of its own; `ended` when no more is expected of it.

    `is_stalled` tells whether it made no progress for longer than a task that is well.
    """

    beat: Callable[[], None] = _noop
    mark_failed: Callable[[], None] = _noop
    unregister: Callable[[], None] = _noop
    is_stalled: Callable[[], bool] = _never_stalled


HeartbeatFactory = Callable[[str], TaskHeartbeat]
"""Makes the pulse of a task, by its name: from then on it is watched."""


def noop_heartbeat(_name: str) -> TaskHeartbeat:
    """A pulse that nobody listens to."""
    return TaskHeartbeat()
