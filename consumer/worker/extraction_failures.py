"""What follows a failed extraction: a crash, an error that the extractor reported, an outage of Postgres."""

import signal
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from consumer.lifecycle import PermanentFailure, TransientFailure
from consumer.telemetry.redaction import sanitize
from messaging.backoff import Backoff
from schemas.codes import ErrorCode
from schemas.text import shorten_name

MAX_RETRY_AFTER_SECONDS = 86_400.0
"""Upper bound of the delay that a source can ask for; the timeout of the job is mostly shorter."""

OOM_SIGNALS = frozenset({signal.SIGABRT, signal.SIGKILL})
"""calamine aborts when an allocation fails; the kernel kills when memory runs out."""

OOM_MESSAGE = "reading the source needs more memory than a job may use: "
CPU_LIMIT_MESSAGE = (
    "reading the source took more processor time than its rows may: 30 s without a row, or 60 s and 2 ms "
    "for each; look for a cell or a row far larger than the others, or split the source"
)
OOM_ADVICE = {
    "excel": "remove stray cells far from the data, or split the file",
    "google_sheets": "remove stray cells far from the data, or split the sheet",
}
"""What the requester can do, by type of source."""
DEFAULT_OOM_ADVICE = "its rows are too long, or MIGRATION_CHILD_MEMORY_MB is too low"
CRASH_ERRORS = {
    "excel": (
        ErrorCode.SOURCE_UNREADABLE,
        "the source ends the process that reads it: open it and save it again as .xlsx, then send that",
    )
}
"""Code and message after repeated crashes, by type of source."""
DEFAULT_CRASH_ERROR = (
    ErrorCode.INTERNAL,
    "the process that reads the source crashed twice and reported no error: see the log of the service",
)
RECHECK_MESSAGE = (
    "The file looks damaged or cut ({code}), and was changed just before it was read: perhaps it is still "
    "being written. It is read again; next time write it under another name, then rename it."
)

INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.25, 2.0
MAX_CONSECUTIVE_OUTAGES = 8
"""Outages without a stored row in between, about 12 s, after which the job is requeued and others run."""


class ExtractorCrashedError(Exception):
    """The extractor ended without END or FAILED.

    `batch_stored` is True if a batch of this extraction was committed.
    """

    def __init__(self, exit_code: int, *, batch_stored: bool) -> None:
        super().__init__(f"the extractor ended with exit code {exit_code}")
        self.exit_code = exit_code
        self.batch_stored = batch_stored


class ExtractionFailedError(Exception):
    """The extractor reported an error; attributes are those of the FAILED header, sanitized."""

    def __init__(self, header: Mapping[str, Any]) -> None:
        self.code = shorten_name(str(header["code"]))
        super().__init__(self.code)
        self.message = sanitize(str(header["message"]))
        self.transient = bool(header.get("transient"))
        self.internal = bool(header.get("internal"))
        self.retry_after = _cap_retry_after(header.get("retry_after"))
        self.recheck_after = _cap_retry_after(header.get("recheck_after"))


def suggested_columns(nearest: Mapping[str, str | None]) -> dict[str, str]:
    """Nearest column → missing field, of `nearest` in a FAILED header.

    A column whose name holds a phone is left out: everyone who may read the job sees the others.
    """
    found = {column: field for field, column in nearest.items() if column is not None}
    return {column: field for column, field in found.items() if sanitize(column) == column}


def _cap_retry_after(seconds: float | None) -> float | None:
    return None if seconds is None else min(float(seconds), MAX_RETRY_AFTER_SECONDS)


def outcome_of_failure(failure: ExtractionFailedError) -> PermanentFailure | TransientFailure:
    """How the attempt ends; the error of a file that was just modified is final only at a later attempt."""
    if failure.transient:
        return TransientFailure(failure.code, failure.message, failure.retry_after, internal=failure.internal)
    if failure.recheck_after is not None:
        return TransientFailure(
            ErrorCode.SOURCE_CHANGED, RECHECK_MESSAGE.format(code=failure.code), failure.recheck_after
        )
    return PermanentFailure(failure.code, failure.message)


class NextStep(Enum):
    """How to resume after a crash."""

    RETRY = auto()
    RETRY_LOW_MEMORY = auto()


def after_crash(
    exit_code: int, source_type: str, *, crashes: int, low_memory: bool
) -> NextStep | PermanentFailure:
    """Decide by exit code (negative: a signal) and number of crashes since a batch was last stored.

    The first SIGKILL may have come from outside; SIGABRT comes from reading the file.
    """
    if exit_code == -signal.SIGKILL and crashes == 1:
        return NextStep.RETRY
    if exit_code == -signal.SIGXCPU:
        return PermanentFailure(ErrorCode.SOURCE_TOO_LARGE, CPU_LIMIT_MESSAGE)
    if -exit_code in OOM_SIGNALS:
        if not low_memory:
            return NextStep.RETRY_LOW_MEMORY
        advice = OOM_ADVICE.get(source_type, DEFAULT_OOM_ADVICE)
        return PermanentFailure(ErrorCode.SOURCE_TOO_LARGE, OOM_MESSAGE + advice)
    if crashes == 1:
        return NextStep.RETRY
    return PermanentFailure(*CRASH_ERRORS.get(source_type, DEFAULT_CRASH_ERROR))


class OutageBackoff:
    """Delays after outages of Postgres in a row."""

    def __init__(self) -> None:
        self._count = 0
        self._rows_done = 0
        self._backoff = Backoff(INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS)

    def reset_on_progress(self, rows_done: int) -> None:
        """Start again from the first delay if rows were stored since the last call."""
        if rows_done != self._rows_done:
            self._rows_done, self._count = rows_done, 0
            self._backoff.reset()

    def next_delay(self) -> float | None:
        """Seconds until the next extraction, None after MAX_CONSECUTIVE_OUTAGES."""
        if self._count == MAX_CONSECUTIVE_OUTAGES:
            return None
        self._count += 1
        return self._backoff.next()
