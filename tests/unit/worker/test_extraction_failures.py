"""What is done about a child that died, as a table."""

import signal

import pytest

from consumer.worker.extraction_failures import FailJob, NextStep, after_crash


@pytest.mark.parametrize(
    ("exit_code", "deaths", "low_memory", "expected"),
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
def test_a_death_is_followed_by(
    exit_code: int, deaths: int, low_memory: bool, expected: NextStep | str
) -> None:
    found = after_crash(exit_code, "excel", crashes=deaths, low_memory=low_memory)
    assert (found.code if isinstance(found, FailJob) else found) == expected


@pytest.mark.parametrize("source_type", ["database", "google_sheets"])
def test_nobody_is_told_to_save_a_workbook_who_has_none(source_type: str) -> None:
    died = after_crash(-signal.SIGSEGV, source_type, crashes=2, low_memory=False)
    assert isinstance(died, FailJob)
    assert died.code == "internal_error"
    large = after_crash(-signal.SIGABRT, source_type, crashes=2, low_memory=True)
    assert isinstance(large, FailJob)
    assert large.code == "source_too_large"
    assert "file" not in large.message + died.message
