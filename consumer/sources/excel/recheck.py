"""Marks errors of files that may still be being written, so that the job reads them again."""

from collections.abc import Iterator
from contextlib import contextmanager

from consumer.errors import LayoutError, WorkbookError
from consumer.sources.excel.containers import ole, zip_container
from consumer.sources.excel.errors import DecryptionError
from consumer.sources.file_fetch import LocalFile
from schemas.codes import ErrorCode

RECENT_SECONDS = 30.0
"""A copy over a network may pause for seconds; a longer limit would delay errors of damaged files."""
HEAD_BYTES = 4096


@contextmanager
def recheck_if_recent(file: LocalFile) -> Iterator[None]:
    """Set `recheck_after` on errors of an inbox file that was changed recently and looks truncated.

    The seconds are those until the file has been unchanged for RECENT_SECONDS.
    """
    try:
        yield
    except (WorkbookError, LayoutError) as error:
        age = file.age_seconds
        if age is not None and 0 <= age < RECENT_SECONDS and _looks_truncated(error, file):
            error.recheck_after = RECENT_SECONDS - age
        raise


def _looks_truncated(error: WorkbookError | LayoutError, file: LocalFile) -> bool:
    """Whether the error could disappear once the rest of the file is written."""
    if isinstance(error, DecryptionError):
        return True
    match error.code:
        case ErrorCode.WORKBOOK_DAMAGED | ErrorCode.SOURCE_UNREADABLE:
            return True
        case ErrorCode.NOT_A_WORKBOOK:
            return file.ends_in_zeros or _is_barely_written(file)
        case ErrorCode.WORKBOOK_ENCRYPTED:
            return False
        case _:
            return file.ends_in_zeros


def _is_barely_written(file: LocalFile) -> bool:
    """Whether the file has no content yet: it is empty, all zeros, or the beginning of a signature."""
    with file.path.open("rb") as content:
        head = content.read(HEAD_BYTES)
    return not head.strip(b"\0") or any(
        signature.startswith(head.rstrip(b"\0")) for signature in (zip_container.SIGNATURE, ole.SIGNATURE)
    )
