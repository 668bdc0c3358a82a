"""What to do about a child that died without a word: pure, by signal and history."""

import signal
from dataclasses import dataclass
from enum import Enum, auto

from schemas.codes import ErrorCode


class NextStep(Enum):
    """How to go on after a child died."""

    RETRY = auto()
    RETRY_LOW_MEMORY = auto()


@dataclass(frozen=True, slots=True)
class FailJob:
    """Going on would end the same way."""

    code: str
    message: str


OOM_SIGNALS = frozenset({signal.SIGABRT, signal.SIGKILL})
"""calamine aborts where memory is refused; the kernel kills where there is none."""


OOM_MESSAGE = "reading the source needs more memory than a job may use: "
CPU_LIMIT_MESSAGE = (
    "reading the source took more processor time than its rows may: 30 s without a row, or 60 s and 2 ms "
    "for each; look for a cell or a row far larger than the others, or split the source"
)
OOM_ADVICE = {
    "excel": "remove stray cells far from the data, or split the file",
    "google_sheets": "remove stray cells far from the data, or split the sheet",
}
UNKNOWN_CRASH_MESSAGE = (
    "the process that reads the source ended twice without a word: see the log of the service"
)
CRASH_ERRORS = {
    "excel": (
        ErrorCode.SOURCE_UNREADABLE,
        "the source ends the process that reads it: open it and save it again as .xlsx, then send that",
    )
}
"""What to do by the type of source; of a table nobody but the operator can know."""


def after_crash(exit_code: int, source_type: str, *, crashes: int, low_memory: bool) -> NextStep | FailJob:
    """Decide by how the child ended; `deaths` in a row without a stored batch, this one included.

    A single kill from outside is no verdict on the file, an abort is.
    """
    if exit_code == -signal.SIGKILL and crashes == 1:
        return NextStep.RETRY
    if exit_code == -signal.SIGXCPU:
        return FailJob(ErrorCode.SOURCE_TOO_LARGE, CPU_LIMIT_MESSAGE)
    if -exit_code in OOM_SIGNALS:
        if not low_memory:
            return NextStep.RETRY_LOW_MEMORY
        advice = OOM_ADVICE.get(source_type, "its rows are too long, or MIGRATION_CHILD_MEMORY_MB is too low")
        return FailJob(ErrorCode.SOURCE_TOO_LARGE, OOM_MESSAGE + advice)
    if crashes == 1:
        return NextStep.RETRY
    return FailJob(*CRASH_ERRORS.get(source_type, (ErrorCode.INTERNAL, UNKNOWN_CRASH_MESSAGE)))
