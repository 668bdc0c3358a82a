"""What is said of files that are no workbooks, or none that can be read."""

from consumer.errors import WorkbookError
from schemas.codes import ErrorCode


def not_a_workbook(reason: str) -> WorkbookError:
    """The error for a file that is something else."""
    return WorkbookError(
        ErrorCode.NOT_A_WORKBOOK, f"The file is not a workbook: it {reason}. Save it as .xlsx and send that."
    )


ENCRYPTED = "The workbook is protected by a password. Save it without one and send that."


class DecryptionError(WorkbookError):
    """Decrypting failed although no password was refused: another kind of encryption, or half a file."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.WORKBOOK_ENCRYPTED, ENCRYPTED)


def encrypted() -> WorkbookError:
    """The error for a workbook that asks for a password."""
    return WorkbookError(ErrorCode.WORKBOOK_ENCRYPTED, ENCRYPTED)


def damaged(reason: str) -> WorkbookError:
    """The error for a workbook that is not whole."""
    return WorkbookError(
        ErrorCode.WORKBOOK_DAMAGED,
        f"The workbook is damaged: {reason}. Open it in Excel, save it anew, and send that.",
    )


def unreadable() -> WorkbookError:
    """The error for a workbook that ends the library which reads it."""
    return WorkbookError(
        ErrorCode.SOURCE_UNREADABLE,
        "Something in the workbook cannot be read. Copy the rows into a new one and send that.",
    )
