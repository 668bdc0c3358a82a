"""Each line of the table in docs/corrections.md: what a row of the file is found to be."""

import json
from dataclasses import replace
from typing import Any

import pytest

from consumer.extract.corrections.classify import Classifier, FileRow, Verdict
from consumer.extract.corrections.corrected_job import CorrectedJob, RejectedRow, RowState
from consumer.rejected_file.row_key import RowKey
from schemas.codes import RejectCode

RECORD = {"ИНН": "12", "Ссылка": "https://max.ru/join/3", "Название": "Три", "Заметка": "a"}
TEXTS = {"inn": "12", "url": "https://max.ru/join/3", "name": "Три"}


def _rejected(position: int = 3, **changes: Any) -> RejectedRow:
    row = RejectedRow(position, position, json.dumps(RECORD), frozenset(), RowState.OPEN)
    return replace(row, **changes)


def _job(*rows: RejectedRow) -> CorrectedJob:
    return CorrectedJob(
        job_id=17,
        run=1,
        load=2,
        source_type="database",
        labels=tuple(RECORD),
        columns={"inn": "ИНН", "url": "Ссылка", "name": "Название"},
        rows={row.position: row for row in rows or (_rejected(),)},
    )


def _file_row(key: RowKey | None = None, *, lost: bool = False, **changes: Any) -> FileRow:
    known = None if lost else key or _job().key_of(_rejected())
    values: dict[str, Any] = {"shown_row_number": 3, "skip": False, "texts": TEXTS} | changes
    return FileRow(key=known, **values)


def _classify(row: FileRow, *rejected: RejectedRow) -> tuple[Verdict, RejectCode | None]:
    found = Classifier(_job(*rejected)).classify(row)
    return found.verdict, None if found.error is None else found.error.code


FIXED = TEXTS | {"inn": "7707083893"}


def test_changed_row_is_checked() -> None:
    assert _classify(_file_row(texts=FIXED)) == (Verdict.CHECK, None)


def test_unchanged_row_is_untouched() -> None:
    assert _classify(_file_row()) == (Verdict.UNTOUCHED, None)


def test_row_to_be_skipped_is_dismissed() -> None:
    assert _classify(_file_row(skip=True)) == (Verdict.DISMISSED, None)
    assert _classify(_file_row(skip=True, texts=FIXED)) == (Verdict.DISMISSED, None)


@pytest.mark.parametrize("changes", [{}, {"texts": FIXED}, {"skip": True}])
def test_row_of_another_correction_is_already_corrected(changes: dict[str, Any]) -> None:
    corrected = _rejected(state=RowState.CORRECTED)
    assert _classify(_file_row(**changes), corrected) == (Verdict.ALREADY_CORRECTED, None)


def test_row_of_an_earlier_attempt_is_checked_again() -> None:
    """The rows behind the checkpoint are not read as new ones; after a restart from the top they are."""
    assert _classify(_file_row(texts=FIXED), _rejected(state=RowState.CORRECTED_HERE)) == (
        Verdict.CHECK,
        None,
    )


def test_dismissed_row_can_still_be_corrected() -> None:
    dismissed = _rejected(state=RowState.DISMISSED)
    assert _classify(_file_row(texts=FIXED), dismissed) == (Verdict.CHECK, None)
    assert _classify(_file_row(), dismissed) == (Verdict.UNTOUCHED, None)


@pytest.mark.parametrize("first", [_file_row(texts=FIXED), _file_row(), _file_row(skip=True)])
def test_second_row_about_one_rejected_row_is_a_duplicate(first: FileRow) -> None:
    classifier = Classifier(_job())
    classifier.classify(first)
    second = classifier.classify(_file_row(texts=FIXED | {"name": "Иначе"}))
    assert second.error is not None
    assert (second.verdict, second.error.code) == (Verdict.REJECT, RejectCode.DUPLICATE_CORRECTION)
    assert second.row is not None
    assert second.row.shown_row_number == 3


def test_row_with_a_lost_key_counts_for_duplicates() -> None:
    classifier = Classifier(_job())
    classifier.classify(_file_row(lost=True, texts=FIXED))
    assert classifier.classify(_file_row(texts=FIXED)).error is not None


@pytest.mark.parametrize(
    "key",
    [
        RowKey(17, 1, 1, 3, _rejected().digest),
        RowKey(17, 1, 2, 4, _rejected().digest),
        RowKey(17, 1, 2, 3, "0" * 32),
    ],
    ids=["another load", "no such row", "another record"],
)
def test_row_of_another_load_is_stale(key: RowKey) -> None:
    expected = (Verdict.REJECT, RejectCode.STALE_CORRECTION)
    assert _classify(_file_row(key, texts=FIXED)) == expected
    assert _classify(_file_row(key)) == expected


def test_row_of_an_earlier_run_of_the_same_load_is_known() -> None:
    """A retry that goes on from its checkpoint keeps the rejected rows."""
    key = RowKey(17, 9, 2, 3, _rejected().digest)
    assert _classify(_file_row(key, texts=FIXED)) == (Verdict.CHECK, None)


def test_row_of_another_job_is_unknown() -> None:
    key = RowKey(18, 1, 2, 3, _rejected().digest)
    found = Classifier(_job()).classify(_file_row(key, texts=FIXED))
    assert found.error is not None
    assert found.error.code == RejectCode.UNKNOWN_ROW
    assert "job 18" in found.error.message


@pytest.mark.parametrize(
    ("texts", "number", "verdict"),
    [
        (FIXED, 3, Verdict.CHECK),
        (TEXTS | {"url": "https://max.ru/join/33"}, 3, Verdict.CHECK),
        (TEXTS, 3, Verdict.UNTOUCHED),
        (FIXED | {"url": "https://max.ru/join/33"}, 3, Verdict.REJECT),
        (FIXED | {"url": ""}, 3, Verdict.REJECT),
        (FIXED, 4, Verdict.REJECT),
        (FIXED, None, Verdict.REJECT),
    ],
    ids=["same link", "same ИНН", "unchanged", "neither", "empty link", "other row number", "no row number"],
)
def test_row_with_a_lost_key_is_found_by_number_and_link_or_inn(
    texts: dict[str, str], number: int | None, verdict: Verdict
) -> None:
    row = _file_row(lost=True, texts=texts, shown_row_number=number)
    code = RejectCode.UNKNOWN_ROW if verdict is Verdict.REJECT else None
    assert _classify(row) == (verdict, code)


def test_empty_link_and_inn_identify_no_row() -> None:
    empty = _rejected(record=json.dumps(RECORD | {"ИНН": None, "Ссылка": None}))
    row = _file_row(lost=True, texts={"inn": "", "url": "", "name": "Иначе"})
    assert _classify(row, empty) == (Verdict.REJECT, RejectCode.UNKNOWN_ROW)


def test_row_with_a_cut_cell_is_rejected_until_the_cell_is_written_whole() -> None:
    cut = _rejected(cut_columns=frozenset({"Название"}))
    assert _classify(_file_row(texts=FIXED), cut) == (Verdict.REJECT, RejectCode.RECORD_WAS_CUT)
    assert _classify(_file_row(texts=FIXED | {"name": "Целиком"}), cut) == (Verdict.CHECK, None)
    assert _classify(_file_row(), cut) == (Verdict.UNTOUCHED, None)


def test_cut_cell_that_is_not_read_does_no_harm() -> None:
    cut = _rejected(cut_columns=frozenset({"Заметка"}))
    assert _classify(_file_row(texts=FIXED), cut) == (Verdict.CHECK, None)


def test_row_whose_record_is_too_large_is_rejected() -> None:
    large = _rejected(record=None)
    key = RowKey(17, 1, 2, 3, "0" * 32)
    assert _classify(_file_row(key, texts=FIXED), large) == (Verdict.REJECT, RejectCode.RECORD_WAS_CUT)
    assert _classify(_file_row(key, skip=True), large) == (Verdict.DISMISSED, None)
