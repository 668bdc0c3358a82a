"""What an answer means, by its status and the reasons in its body."""

from typing import Any

import pytest

from consumer.sources.google_sheets.answers import LONGEST_WAIT_SECONDS, Verdict, retry_after, verdict

DATE = "Mon, 23 Nov 2026 12:00:00 GMT"


def errors(reason: str) -> dict[str, Any]:
    return {"error": {"code": 403, "errors": [{"domain": "x", "reason": reason}]}}


def details(reason: str) -> dict[str, Any]:
    return {"error": {"status": "PERMISSION_DENIED", "details": [{"@type": "Help"}, {"reason": reason}]}}


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (200, None, Verdict.GOOD),
        (429, None, Verdict.QUOTA),
        (503, None, Verdict.QUOTA),
        (403, errors("rateLimitExceeded"), Verdict.QUOTA),
        (403, errors("userRateLimitExceeded"), Verdict.QUOTA),
        (403, errors("quotaExceeded"), Verdict.QUOTA),
        (403, errors("dailyLimitExceeded"), Verdict.QUOTA),
        (403, details("RATE_LIMIT_EXCEEDED"), Verdict.QUOTA),
        (403, {"error": {"status": "RESOURCE_EXHAUSTED"}}, Verdict.QUOTA),
        (403, errors("accessNotConfigured"), Verdict.API_DISABLED),
        (403, details("SERVICE_DISABLED"), Verdict.API_DISABLED),
        (403, errors("forbidden"), Verdict.NOT_SHARED),
        (403, {"error": {"status": "PERMISSION_DENIED"}}, Verdict.NOT_SHARED),
        (403, None, Verdict.NOT_SHARED),
        (403, [], Verdict.NOT_SHARED),
        (403, {"error": "forbidden"}, Verdict.NOT_SHARED),
        (403, {"error": {"errors": "x", "details": [1, None]}}, Verdict.NOT_SHARED),
        (400, None, Verdict.WRONG_QUESTION),
        (401, None, Verdict.WRONG_TOKEN),
        (404, None, Verdict.NOT_FOUND),
        (408, None, Verdict.MISHAP),
        (500, None, Verdict.MISHAP),
        (502, None, Verdict.MISHAP),
        (504, None, Verdict.MISHAP),
        (204, None, Verdict.UNKNOWN),
        (418, None, Verdict.UNKNOWN),
        (501, None, Verdict.UNKNOWN),
    ],
)
def test_an_answer_is_judged_by_status_and_reason(status: int, body: Any, wanted: Verdict) -> None:
    assert verdict(status, body) is wanted


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("-3", 0.0),
        ("1.5", 1.5),
        ("100000", LONGEST_WAIT_SECONDS),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 12:00:30 -0000", 30.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("Tue, 24 Nov 2026 12:00:00 GMT", LONGEST_WAIT_SECONDS),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_how_long_to_wait_is_a_number_or_a_date(header: str | None, wanted: float | None) -> None:
    assert retry_after(header, DATE) == wanted


@pytest.mark.parametrize("date", [None, "", "today"])
def test_a_date_to_wait_for_says_nothing_without_the_date_of_the_answer(date: str | None) -> None:
    assert retry_after("Mon, 23 Nov 2026 12:00:30 GMT", date) is None
    assert retry_after("7", date) == 7.0
