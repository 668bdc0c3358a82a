"""A file that looks damaged and was changed just now may still be being written."""

from collections.abc import Iterator
from contextlib import contextmanager

from consumer.errors import WorkbookProblem
from consumer.sources.files import LocalFile
from schemas.codes import ErrorCode

FRESH_SECONDS = 30.0
"""A copy over a network may pause for seconds. Longer would only delay the answer about damaged files."""
HEAD_BYTES = 4096


@contextmanager
def rechecked_while_fresh(file: LocalFile) -> Iterator[None]:
    """Have the errors of a file of the inbox that looks cut and is that fresh ask for another reading.

    It is due when the file will have rested for FRESH_SECONDS.
    """
    try:
        yield
    except WorkbookProblem as error:
        age = file.age_seconds
        if age is not None and 0 <= age < FRESH_SECONDS and _looks_cut(error, file):
            error.recheck_after = FRESH_SECONDS - age
        raise


def _looks_cut(error: WorkbookProblem, file: LocalFile) -> bool:
    match error.code:
        case ErrorCode.WORKBOOK_DAMAGED | ErrorCode.SOURCE_UNREADABLE:
            return True
        case ErrorCode.NOT_A_WORKBOOK:
            return _is_blank(file)
        case _:
            return False


def _is_blank(file: LocalFile) -> bool:
    """Whether the file begins with nothing, or zeros: some programs reserve its place first."""
    with file.path.open("rb") as content:
        return not content.read(HEAD_BYTES).strip(b"\0")
