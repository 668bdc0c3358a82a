"""How a long-lived task tells whoever watches that it moves, that it died, or that it is needed no more."""

from collections.abc import Callable
from dataclasses import dataclass


def _unheard() -> None:
    """For a task that nobody watches."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """`alive` at every step; `died` of an error of its own; `ended` when no more is expected of it."""

    alive: Callable[[], None] = _unheard
    died: Callable[[], None] = _unheard
    ended: Callable[[], None] = _unheard


Pulses = Callable[[str], Pulse]
"""Makes the pulse of a task, by its name: from then on it is watched."""


def unwatched(_name: str) -> Pulse:
    """A pulse that nobody listens to."""
    return Pulse()
