"""Classifies responses of Google: success, rate limited, retryable, or permanent. Pure functions."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from math import isfinite
from typing import Any

MAX_RETRY_AFTER = 600.0
"""Seconds; a longer `Retry-After` is cut to this."""
RATE_LIMIT_REASONS = frozenset(
    {
        "rateLimitExceeded",
        "userRateLimitExceeded",
        "quotaExceeded",
        "dailyLimitExceeded",
        "RATE_LIMIT_EXCEEDED",
        "RESOURCE_EXHAUSTED",
    }
)
API_DISABLED_REASONS = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})


class ResponseKind(Enum):
    """What a response means; all but the first three are permanent."""

    OK = auto()
    RATE_LIMITED = auto()  # retried without end
    RETRYABLE = auto()  # retried a few times
    INVALID_TOKEN = auto()
    API_DISABLED = auto()
    NOT_SHARED = auto()
    NOT_FOUND = auto()
    BAD_REQUEST = auto()
    UNKNOWN = auto()


KIND_BY_STATUS = {
    200: ResponseKind.OK,
    400: ResponseKind.BAD_REQUEST,
    401: ResponseKind.INVALID_TOKEN,
    404: ResponseKind.NOT_FOUND,
    408: ResponseKind.RETRYABLE,
    429: ResponseKind.RATE_LIMITED,
    500: ResponseKind.RETRYABLE,
    502: ResponseKind.RETRYABLE,
    503: ResponseKind.RATE_LIMITED,
    504: ResponseKind.RETRYABLE,
}


def classify(status: int, body: Any = None) -> ResponseKind:
    """Classify a response by its status, and a 403 by the reasons in its body (parsed JSON, or None)."""
    if status != 403:
        return KIND_BY_STATUS.get(status, ResponseKind.UNKNOWN)
    reasons = frozenset(_reasons(body))
    if reasons & RATE_LIMIT_REASONS:
        return ResponseKind.RATE_LIMITED
    return ResponseKind.API_DISABLED if reasons & API_DISABLED_REASONS else ResponseKind.NOT_SHARED


def _reasons(body: Any) -> Iterator[str]:
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return
    yield str(error.get("status"))
    for key in ("errors", "details"):
        items = error.get(key)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, Mapping):
                yield str(item.get("reason"))


def retry_after(header: str | None, date: str | None) -> float | None:
    """Seconds of a `Retry-After` header (RFC 9110, 10.2.3), None if it is missing or invalid.

    An HTTP date in it is compared with the `Date` header of the same response, which has the same clock.
    """
    if header is None:
        return None
    seconds = _seconds(header, date or "")
    if seconds is None or not isfinite(seconds):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _seconds(header: str, date: str) -> float | None:
    try:
        return float(header)
    except ValueError:
        pass
    try:
        return (_parse_http_date(header) - _parse_http_date(date)).total_seconds()
    except ValueError:
        return None


def _parse_http_date(text: str) -> datetime:
    at = parsedate_to_datetime(text)
    return at.replace(tzinfo=at.tzinfo or UTC)
