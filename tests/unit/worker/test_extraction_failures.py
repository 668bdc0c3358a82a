"""What follows a failed extraction: a crash, a reported error, an outage of Postgres."""

import signal
from typing import Any

import pytest

from consumer.errors import TransientError, WorkbookError
from consumer.extract.error_report import failed_header
from consumer.lifecycle import PermanentFailure, TransientFailure
from consumer.sources.excel.errors import damaged
from consumer.sources.missing_column import MissingColumnError
from consumer.worker.extraction_failures import (
    INITIAL_BACKOFF_SECONDS,
    MAX_CONSECUTIVE_OUTAGES,
    MAX_RETRY_AFTER_SECONDS,
    ExtractionFailedError,
    NextStep,
    OutageBackoff,
    after_crash,
    outcome_of_failure,
    suggested_columns,
)
from schemas.codes import ErrorCode


@pytest.mark.parametrize(
    ("exit_code", "crashes", "low_memory", "expected"),
    [
        (-signal.SIGKILL, 1, False, NextStep.RETRY),
        (-signal.SIGKILL, 2, False, NextStep.RETRY_LOW_MEMORY),
        (-signal.SIGKILL, 3, True, "source_too_large"),
        (-signal.SIGABRT, 1, False, NextStep.RETRY_LOW_MEMORY),
        (-signal.SIGABRT, 2, True, "source_too_large"),
        (-signal.SIGXCPU, 1, False, "source_too_large"),
        (-signal.SIGSEGV, 1, False, NextStep.RETRY),
        (-signal.SIGSEGV, 2, False, "source_unreadable"),
        (1, 1, False, NextStep.RETRY),
        (1, 2, False, "source_unreadable"),
        (0, 2, True, "source_unreadable"),
    ],
)
def test_step_after_a_crash(exit_code: int, crashes: int, low_memory: bool, expected: NextStep | str) -> None:
    step = after_crash(exit_code, "excel", crashes=crashes, low_memory=low_memory)
    assert (step.code if isinstance(step, PermanentFailure) else step) == expected


@pytest.mark.parametrize("source_type", ["database", "google_sheets"])
def test_advice_about_workbooks_is_for_workbooks_only(source_type: str) -> None:
    crashed = after_crash(-signal.SIGSEGV, source_type, crashes=2, low_memory=False)
    assert isinstance(crashed, PermanentFailure)
    assert crashed.code == "internal_error"
    too_large = after_crash(-signal.SIGABRT, source_type, crashes=2, low_memory=True)
    assert isinstance(too_large, PermanentFailure)
    assert too_large.code == "source_too_large"
    assert "file" not in too_large.message + crashed.message


def _outcome(error: Exception) -> Any:
    return outcome_of_failure(ExtractionFailedError(failed_header(error)))


def test_permanent_error_ends_the_job() -> None:
    error = damaged("its zip container is not whole")
    assert _outcome(error) == PermanentFailure("workbook_damaged", error.message)


def test_transient_error_keeps_the_delay_of_the_source() -> None:
    assert _outcome(TransientError(ErrorCode.SHORT_READ, "Short.", 7.0)) == TransientFailure(
        "short_read", "Short.", 7.0
    )


def _recently_modified_error(recheck_after: float) -> WorkbookError:
    error = damaged("its zip container is not whole")
    error.recheck_after = recheck_after
    return error


@pytest.mark.parametrize(
    ("recheck_after", "delay"), [(27.5, 27.5), (0.1, 0.1), (1e9, MAX_RETRY_AFTER_SECONDS)]
)
def test_damage_of_a_recently_modified_file_is_rechecked(recheck_after: float, delay: float) -> None:
    outcome = _outcome(_recently_modified_error(recheck_after))
    assert isinstance(outcome, TransientFailure)
    assert (outcome.code, outcome.retry_after, outcome.internal) == ("source_changed", delay, False)
    assert "(workbook_damaged)" in outcome.message


def test_outage_delays_grow_and_end() -> None:
    outages = OutageBackoff()
    outages.reset_on_progress(0)
    delays = [outages.next_delay() for _ in range(MAX_CONSECUTIVE_OUTAGES)]
    assert delays == [0.25, 0.5, 1.0, *[2.0] * (MAX_CONSECUTIVE_OUTAGES - 3)]
    assert outages.next_delay() is None


def test_stored_row_resets_outage_delays() -> None:
    outages = OutageBackoff()
    for rows_done in (0, 0, 5):
        outages.reset_on_progress(rows_done)
        delay = outages.next_delay()
    assert delay == INITIAL_BACKOFF_SECONDS


def test_suggested_columns_hold_no_phone() -> None:
    """Everyone who may read the job sees them, also without the right to see rows."""
    nearest = {"url": "Ссылка MAX", "inn": "ИНН +7 912 345-67-89", "kpp": None}
    assert suggested_columns(nearest) == {"Ссылка MAX": "url"}


def test_failed_header_has_what_a_missing_column_needs() -> None:
    error = MissingColumnError("…", {"url": "Ссылка MAX"})
    error.sample = {"row": 1}
    header = failed_header(error)
    assert (header["code"], header["nearest"], header["sample"]) == (
        "missing_column",
        {"url": "Ссылка MAX"},
        {"row": 1},
    )
    assert failed_header(WorkbookError("workbook_damaged", "…"))["nearest"] is None
