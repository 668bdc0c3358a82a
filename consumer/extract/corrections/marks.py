"""What a batch of a correction writes about the rejected rows that it corrects, as COPY text."""

from enum import StrEnum

from consumer.extract.corrections.corrected_job import RejectedRow
from consumer.rejected_file.row_key import RowKey


class Action(StrEnum):
    """`c`: the row is stored, `d`: it is dismissed, `r`: it stays rejected."""

    CORRECT = "c"
    DISMISS = "d"
    REJECT = "r"


NULL = "\\N"


def encode_mark(position: int, action: Action, row: RejectedRow, key: RowKey) -> bytes:
    """One line of `consumer.datasets.base.CORRECTED_ROWS`; `position` is that of the row in the file."""
    key_text = NULL if row.record is None else str(key)
    return f"{position}\t{row.position}\t{action}\t{row.shown_row_number}\t{key_text}\n".encode()
