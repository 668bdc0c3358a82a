"""What is said of files that are no workbooks, or none that can be read."""

from consumer.errors import WorkbookProblem
from schemas.codes import ErrorCode


def not_a_workbook(what: str) -> WorkbookProblem:
    """The error for a file that is something else."""
    return WorkbookProblem(
        ErrorCode.NOT_A_WORKBOOK, f"The file is not a workbook: it {what}. Save it as .xlsx and send that."
    )


ENCRYPTED = "The workbook is protected by a password. Save it without one and send that."


class DecryptionError(WorkbookProblem):
    """Decrypting failed although no password was refused: another kind of encryption, or half a file."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.WORKBOOK_ENCRYPTED, ENCRYPTED)


def encrypted() -> WorkbookProblem:
    """The error for a workbook that asks for a password."""
    return WorkbookProblem(ErrorCode.WORKBOOK_ENCRYPTED, ENCRYPTED)


def damaged(how: str) -> WorkbookProblem:
    """The error for a workbook that is not whole."""
    return WorkbookProblem(
        ErrorCode.WORKBOOK_DAMAGED,
        f"The workbook is damaged: {how}. Open it in Excel, save it anew, and send that.",
    )


def unreadable() -> WorkbookProblem:
    """The error for a workbook that ends the library which reads it."""
    return WorkbookProblem(
        ErrorCode.SOURCE_UNREADABLE,
        "Something in the workbook cannot be read. Copy the rows into a new one and send that.",
    )
