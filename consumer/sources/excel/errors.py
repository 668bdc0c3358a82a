"""Errors for files that are no workbooks, or that cannot be read."""

from consumer.errors import WorkbookError
from schemas.codes import ErrorCode


def not_a_workbook(reason: str) -> WorkbookError:
    """The error for a file of another format; `reason` completes «it …»."""
    return WorkbookError(
        ErrorCode.NOT_A_WORKBOOK, f"The file is not a workbook: it {reason}. Save it as .xlsx and send that."
    )


ENCRYPTED = "The workbook is protected by a password. Save it without one and send that."


class DecryptionError(WorkbookError):
    """Decryption failed, but not by a wrong password: unknown encryption, or an incomplete file."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.WORKBOOK_ENCRYPTED, ENCRYPTED)


def encrypted() -> WorkbookError:
    """The error for a workbook that needs a password."""
    return WorkbookError(ErrorCode.WORKBOOK_ENCRYPTED, ENCRYPTED)


def damaged(reason: str) -> WorkbookError:
    """The error for an incomplete or inconsistent workbook; `reason` is a clause."""
    return WorkbookError(
        ErrorCode.WORKBOOK_DAMAGED,
        f"The workbook is damaged: {reason}. Open it in Excel, save it again, and send that.",
    )


def unreadable() -> WorkbookError:
    """The error for a workbook with which every reader fails."""
    return WorkbookError(
        ErrorCode.SOURCE_UNREADABLE,
        "Something in the workbook cannot be read. Copy the rows into a new one and send that.",
    )
