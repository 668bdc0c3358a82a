"""What to do about a child that died without a word: pure, by signal and history."""

import signal
from dataclasses import dataclass
from enum import Enum, auto

from schemas.codes import ErrorCode


class Next(Enum):
    """How to go on after a child died."""

    AGAIN = auto()
    FRUGALLY = auto()


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Going on would end the same way."""

    code: str
    message: str


MEMORY = frozenset({signal.SIGABRT, signal.SIGKILL})
"""calamine aborts where memory is refused; the kernel kills where there is none."""


def after_death(exit_code: int, *, deaths: int, frugal: bool) -> Next | GiveUp:
    """Decide by how the child ended; `deaths` in a row without a stored batch, this one included.

    A single kill from outside is no verdict on the file, an abort is.
    """
    if exit_code == -signal.SIGKILL and deaths == 1:
        return Next.AGAIN
    if exit_code == -signal.SIGXCPU:
        return GiveUp(
            ErrorCode.SOURCE_TOO_LARGE, "reading the source took more processor time than a job may use"
        )
    if -exit_code in MEMORY:
        if not frugal:
            return Next.FRUGALLY
        return GiveUp(
            ErrorCode.SOURCE_TOO_LARGE,
            "reading the source needs more memory than a job may use: "
            "remove stray cells far from the data, or split the file",
        )
    if deaths == 1:
        return Next.AGAIN
    return GiveUp(
        ErrorCode.SOURCE_UNREADABLE,
        "the source ends the process that reads it: open it and save it again as .xlsx, then send that",
    )
