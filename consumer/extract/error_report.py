"""Turns an exception in the extractor into the header of a FAILED frame: code and message, never a value."""

import sys
import traceback
from typing import Any

from consumer.errors import (
    InternalOutageError,
    MigrationError,
    SourceTooLargeError,
    TransientError,
    WorkbookError,
    disk_error,
)
from schemas.codes import ErrorCode


def failed_header(error: BaseException) -> dict[str, Any]:
    """The header of a FAILED frame.

    `retry_after` and `recheck_after` are seconds or None. `nearest` and `sample` are those of a
    MissingColumnError, else None.
    """
    reported = _as_migration_error(error)
    return {
        "code": reported.code,
        "message": reported.message,
        "transient": isinstance(reported, TransientError),
        "internal": isinstance(reported, InternalOutageError),
        "retry_after": getattr(reported, "retry_after", None),
        "recheck_after": getattr(reported, "recheck_after", None),
        "nearest": getattr(reported, "nearest", None),
        "sample": getattr(reported, "sample", None),
    }


def _as_migration_error(error: BaseException) -> MigrationError:
    match error:
        case MigrationError():
            return error
        case MemoryError():
            return SourceTooLargeError("Reading the source takes more memory than is allowed. Split it.")
        case RecursionError():
            return WorkbookError(
                ErrorCode.SOURCE_UNREADABLE, "The source is nested too deep. Copy the rows into a new one."
            )
        case OSError():
            return disk_error(error, f"Reading was refused by the system ({type(error).__name__}).")
        case _:
            return MigrationError(
                ErrorCode.INTERNAL,
                f"Reading failed for a reason of our own ({type(error).__name__}). "
                "The service's log says where; please report it.",
            )


def log_unexpected(error: BaseException) -> None:
    """Write the stack of an unexpected error to stderr, without its text, which may hold values."""
    if isinstance(error, MigrationError):
        return
    frames = traceback.extract_tb(error.__traceback__)
    calls = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    sys.stderr.write(f"extract: {type(error).__name__} at {calls}\n")
