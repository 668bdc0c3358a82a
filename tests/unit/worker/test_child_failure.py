"""What a child reported becomes the end of the attempt."""

from typing import Any

import pytest

from consumer.errors import TransientError, WorkbookError
from consumer.extract.error_report import failed_header
from consumer.lifecycle import PermanentFailure, TransientFailure
from consumer.sources.excel.errors import damaged
from consumer.worker.batch_ingest import MAX_RETRY_AFTER_SECONDS, ExtractionFailedError
from consumer.worker.child_failure import outcome_of_failure
from schemas.codes import ErrorCode


def _make_fresh_file_error(seconds: float) -> WorkbookError:
    error = damaged("its zip container is not whole")
    error.recheck_after = seconds
    return error


def _outcome(error: Exception) -> Any:
    return outcome_of_failure(ExtractionFailedError(failed_header(error)))


def test_a_permanent_error_is_final() -> None:
    error = damaged("its zip container is not whole")
    assert _outcome(error) == PermanentFailure("workbook_damaged", error.message)


def test_a_transient_error_waits_as_long_as_the_source_asks() -> None:
    assert _outcome(TransientError(ErrorCode.SHORT_READ, "Short.", 7.0)) == TransientFailure(
        "short_read", "Short.", 7.0
    )


@pytest.mark.parametrize(("asked", "waited"), [(27.5, 27.5), (0.1, 0.1), (1e9, MAX_RETRY_AFTER_SECONDS)])
def test_damage_of_a_file_that_was_changed_just_now_is_looked_at_again(asked: float, waited: float) -> None:
    outcome = _outcome(_make_fresh_file_error(asked))
    assert isinstance(outcome, TransientFailure)
    assert (outcome.code, outcome.retry_after, outcome.internal) == ("source_changed", waited, False)
    assert "(workbook_damaged)" in outcome.message
