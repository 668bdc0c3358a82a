"""How a long-lived task tells whoever watches that it moves, that it died, or that it is needed no more."""

from collections.abc import Callable
from dataclasses import dataclass


def _unheard() -> None:
    """For a task that nobody watches."""


def _well() -> bool:
    """A task that nobody watches never hangs."""
    return False


@dataclass(frozen=True, slots=True)
class Pulse:
    """`alive` at every step; `died` of an error of its own; `ended` when no more is expected of it.

    `hung` tells whether it made no progress for longer than a task that is well.
    """

    alive: Callable[[], None] = _unheard
    died: Callable[[], None] = _unheard
    ended: Callable[[], None] = _unheard
    hung: Callable[[], bool] = _well


Pulses = Callable[[str], Pulse]
"""Makes the pulse of a task, by its name: from then on it is watched."""


def unwatched(_name: str) -> Pulse:
    """A pulse that nobody listens to."""
    return Pulse()
