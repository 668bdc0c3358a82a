"""Classifies responses by status and reasons."""

from typing import Any

import pytest

from consumer.sources.google_sheets.responses import MAX_RETRY_AFTER, ResponseKind, classify, retry_after

DATE = "Mon, 23 Nov 2026 12:00:00 GMT"


def errors(reason: str) -> dict[str, Any]:
    return {"error": {"code": 403, "errors": [{"domain": "x", "reason": reason}]}}


def details(reason: str) -> dict[str, Any]:
    return {"error": {"status": "PERMISSION_DENIED", "details": [{"@type": "Help"}, {"reason": reason}]}}


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (200, None, ResponseKind.OK),
        (429, None, ResponseKind.RATE_LIMITED),
        (503, None, ResponseKind.RATE_LIMITED),
        (403, errors("rateLimitExceeded"), ResponseKind.RATE_LIMITED),
        (403, errors("userRateLimitExceeded"), ResponseKind.RATE_LIMITED),
        (403, errors("quotaExceeded"), ResponseKind.RATE_LIMITED),
        (403, errors("dailyLimitExceeded"), ResponseKind.RATE_LIMITED),
        (403, details("RATE_LIMIT_EXCEEDED"), ResponseKind.RATE_LIMITED),
        (403, {"error": {"status": "RESOURCE_EXHAUSTED"}}, ResponseKind.RATE_LIMITED),
        (403, errors("accessNotConfigured"), ResponseKind.API_DISABLED),
        (403, details("SERVICE_DISABLED"), ResponseKind.API_DISABLED),
        (403, errors("forbidden"), ResponseKind.NOT_SHARED),
        (403, {"error": {"status": "PERMISSION_DENIED"}}, ResponseKind.NOT_SHARED),
        (403, None, ResponseKind.NOT_SHARED),
        (403, [], ResponseKind.NOT_SHARED),
        (403, {"error": "forbidden"}, ResponseKind.NOT_SHARED),
        (403, {"error": {"errors": "x", "details": [1, None]}}, ResponseKind.NOT_SHARED),
        (400, None, ResponseKind.BAD_REQUEST),
        (401, None, ResponseKind.INVALID_TOKEN),
        (404, None, ResponseKind.NOT_FOUND),
        (408, None, ResponseKind.RETRYABLE),
        (500, None, ResponseKind.RETRYABLE),
        (502, None, ResponseKind.RETRYABLE),
        (504, None, ResponseKind.RETRYABLE),
        (204, None, ResponseKind.UNKNOWN),
        (418, None, ResponseKind.UNKNOWN),
        (501, None, ResponseKind.UNKNOWN),
    ],
)
def test_classify(status: int, body: Any, wanted: ResponseKind) -> None:
    assert classify(status, body) is wanted


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("-3", 0.0),
        ("1.5", 1.5),
        ("100000", MAX_RETRY_AFTER),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 12:00:30 -0000", 30.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("Tue, 24 Nov 2026 12:00:00 GMT", MAX_RETRY_AFTER),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, wanted: float | None) -> None:
    assert retry_after(header, DATE) == wanted


@pytest.mark.parametrize("date", [None, "", "today"])
def test_retry_after_date_needs_the_date_header(date: str | None) -> None:
    assert retry_after("Mon, 23 Nov 2026 12:00:30 GMT", date) is None
    assert retry_after("7", date) == 7.0
