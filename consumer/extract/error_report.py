"""From what went wrong in a child to what the service is told: a code and a sentence, never a value."""

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
    """The header of a FAILED frame."""
    known = _as_migration_error(error)
    return {
        "code": known.code,
        "message": known.message,
        "transient": isinstance(known, TransientError),
        "internal": isinstance(known, InternalOutageError),
        "retry_after": getattr(known, "retry_after", None),
        "recheck_after": getattr(known, "recheck_after", None),
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
    """Where an unforeseen error came from, on standard error; its text might hold values of the source."""
    if isinstance(error, MigrationError):
        return
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    sys.stderr.write(f"extract: {type(error).__name__} at {places}\n")
