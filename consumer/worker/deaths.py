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


TOO_MUCH_TEXT = "reading the source needs more memory than a job may use: "
TOO_MUCH_WORK = (
    "reading the source took more processor time than its rows may: 30 s without a row, or 60 s and 2 ms "
    "for each; look for a cell or a row far larger than the others, or split the source"
)
LESS_TEXT = {
    "excel": "remove stray cells far from the data, or split the file",
    "google_sheets": "remove stray cells far from the data, or split the sheet",
}
UNKNOWN = "the process that reads the source ended twice without a word: see the log of the service"
DIED = {
    "excel": (
        ErrorCode.SOURCE_UNREADABLE,
        "the source ends the process that reads it: open it and save it again as .xlsx, then send that",
    )
}
"""What to do by the type of source; of a table nobody but the operator can know."""


def after_death(exit_code: int, source_type: str, *, deaths: int, frugal: bool) -> Next | GiveUp:
    """Decide by how the child ended; `deaths` in a row without a stored batch, this one included.

    A single kill from outside is no verdict on the file, an abort is.
    """
    if exit_code == -signal.SIGKILL and deaths == 1:
        return Next.AGAIN
    if exit_code == -signal.SIGXCPU:
        return GiveUp(ErrorCode.SOURCE_TOO_LARGE, TOO_MUCH_WORK)
    if -exit_code in MEMORY:
        if not frugal:
            return Next.FRUGALLY
        advice = LESS_TEXT.get(source_type, "its rows are too long, or MIGRATION_CHILD_MEMORY_MB is too low")
        return GiveUp(ErrorCode.SOURCE_TOO_LARGE, TOO_MUCH_TEXT + advice)
    if deaths == 1:
        return Next.AGAIN
    return GiveUp(*DIED.get(source_type, (ErrorCode.INTERNAL, UNKNOWN)))
