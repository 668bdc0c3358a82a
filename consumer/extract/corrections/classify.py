"""Decides what a row of a file of rejected rows is: to be checked, unchanged, dismissed, or unknown."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from consumer.datasets.base import RowError
from consumer.extract.corrections.cell_texts import comparable_text
from consumer.extract.corrections.corrected_job import CorrectedJob, RejectedRow, RowState
from consumer.rejected_file.row_key import RowKey
from schemas.codes import RejectCode

IDENTIFYING_FIELDS = ("url", "inn")
"""A row whose key is lost is found by its number, if one of these is still the same."""


class Verdict(Enum):
    """What a row of the file is; all but CHECK and REJECT only count."""

    CHECK = auto()
    """The rules decide: it is stored, or stays rejected."""
    REJECT = auto()
    UNTOUCHED = auto()
    DISMISSED = auto()
    ALREADY_CORRECTED = auto()


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row of the file. `texts` are the comparable texts of its cells by field of the dataset.

    `key` is None where the hidden column was lost; `shown_row_number` is in the column with row numbers.
    """

    key: RowKey | None
    shown_row_number: int | None
    skip: bool
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Classified:
    """`row` is the rejected row that the row of the file is about, None if it is not known."""

    verdict: Verdict
    row: RejectedRow | None = None
    error: RowError | None = None


class Classifier:
    """Classifies the rows of one file, in order from its beginning."""

    def __init__(self, corrected: CorrectedJob) -> None:
        self._corrected = corrected
        self._seen: set[int] = set()

    def classify(self, file_row: FileRow) -> Classified:
        """What the row is; the second row about the same rejected row is a duplicate."""
        found = self._find(file_row)
        if isinstance(found, RowError):
            return Classified(Verdict.REJECT, None, found)
        if found.position in self._seen:
            return Classified(Verdict.REJECT, found, DUPLICATE)
        self._seen.add(found.position)
        return self._classify_known(file_row, found)

    def _find(self, file_row: FileRow) -> RejectedRow | RowError:
        key = file_row.key
        if key is None:
            return self._find_by_number(file_row)
        if key.job_id != self._corrected.job_id:
            return RowError(
                RejectCode.UNKNOWN_ROW, OTHER_JOB.format(other=key.job_id, job=self._corrected.job_id)
            )
        found = self._corrected.rows.get(key.row_number) if key.load == self._corrected.load else None
        if found is None or (found.record is not None and found.digest != key.record_digest):
            return STALE
        return found

    def _find_by_number(self, file_row: FileRow) -> RejectedRow | RowError:
        number = file_row.shown_row_number
        found = None if number is None else self._corrected.rows.get(number)
        if found is None or not any(self._is_same(file_row, found, field) for field in IDENTIFYING_FIELDS):
            return UNKNOWN
        return found

    def _classify_known(self, file_row: FileRow, row: RejectedRow) -> Classified:
        if row.state is RowState.CORRECTED:
            return Classified(Verdict.ALREADY_CORRECTED, row)
        if file_row.skip:
            return Classified(Verdict.DISMISSED, row)
        if row.record is None:
            return Classified(Verdict.REJECT, row, CUT)
        changed = [field for field in file_row.texts if self._text(row, field) != file_row.texts[field]]
        if not changed:
            return Classified(Verdict.UNTOUCHED, row)
        if any(self._is_cut(row, field) for field in file_row.texts if field not in changed):
            return Classified(Verdict.REJECT, row, CUT)
        return Classified(Verdict.CHECK, row)

    def _text(self, row: RejectedRow, field: str) -> str:
        """The text that the column of a field had when the row was rejected."""
        return comparable_text(row.values.get(self._corrected.columns[field]))

    def _is_same(self, file_row: FileRow, row: RejectedRow, field: str) -> bool:
        text = file_row.texts.get(field)
        return bool(text) and text == self._text(row, field)

    def _is_cut(self, row: RejectedRow, field: str) -> bool:
        return self._corrected.columns[field] in row.cut_columns


OTHER_JOB = (
    "the row belongs to job {other}, and this file corrects job {job}; send it as a correction of that job"
)
UNKNOWN = RowError(
    RejectCode.UNKNOWN_ROW,
    "no rejected row has this row number and the same link or ИНН; "
    "copy the row from a file of rejected rows that still has the column row_key",
)
DUPLICATE = RowError(
    RejectCode.DUPLICATE_CORRECTION,
    "the file has this rejected row twice; the first one counts, remove the other",
)
STALE = RowError(
    RejectCode.STALE_CORRECTION,
    "this is not the row that was rejected: the source was read again since the file was made; "
    "get the rejected rows once more and correct those",
)
CUT = RowError(
    RejectCode.RECORD_WAS_CUT,
    "a text of this row was too long to be kept and is cut in the file; "
    "write the whole text in that cell, or correct the row in the source",
)
