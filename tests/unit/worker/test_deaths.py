"""What is done about a child that died, as a table."""

import signal

import pytest

from consumer.worker.deaths import GiveUp, Next, after_death


@pytest.mark.parametrize(
    ("exit_code", "deaths", "frugal", "expected"),
    [
        (-signal.SIGKILL, 1, False, Next.AGAIN),
        (-signal.SIGKILL, 2, False, Next.FRUGALLY),
        (-signal.SIGKILL, 3, True, "source_too_large"),
        (-signal.SIGABRT, 1, False, Next.FRUGALLY),
        (-signal.SIGABRT, 2, True, "source_too_large"),
        (-signal.SIGXCPU, 1, False, "source_too_large"),
        (-signal.SIGSEGV, 1, False, Next.AGAIN),
        (-signal.SIGSEGV, 2, False, "source_unreadable"),
        (1, 1, False, Next.AGAIN),
        (1, 2, False, "source_unreadable"),
        (0, 2, True, "source_unreadable"),
    ],
)
def test_a_death_is_followed_by(exit_code: int, deaths: int, frugal: bool, expected: Next | str) -> None:
    found = after_death(exit_code, "excel", deaths=deaths, frugal=frugal)
    assert (found.code if isinstance(found, GiveUp) else found) == expected


@pytest.mark.parametrize("source_type", ["database", "google_sheets"])
def test_nobody_is_told_to_save_a_workbook_who_has_none(source_type: str) -> None:
    died = after_death(-signal.SIGSEGV, source_type, deaths=2, frugal=False)
    assert isinstance(died, GiveUp)
    assert died.code == "internal_error"
    large = after_death(-signal.SIGABRT, source_type, deaths=2, frugal=True)
    assert isinstance(large, GiveUp)
    assert large.code == "source_too_large"
    assert "file" not in large.message + died.message
