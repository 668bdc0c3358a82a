"""What an answer of Google means: good, wait, try again, or never. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from math import isfinite
from typing import Any

LONGEST_WAIT_SECONDS = 600.0
"""Whatever `Retry-After` says."""
USAGE_LIMITS = frozenset(
    {
        "rateLimitExceeded",
        "userRateLimitExceeded",
        "quotaExceeded",
        "dailyLimitExceeded",
        "RATE_LIMIT_EXCEEDED",
        "RESOURCE_EXHAUSTED",
    }
)
DISABLED = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})


class Verdict(Enum):
    """What to do with an answer."""

    GOOD = auto()
    QUOTA = auto()  # wait, without end
    MISHAP = auto()  # try again, a few times
    WRONG_TOKEN = auto()
    API_DISABLED = auto()
    NOT_SHARED = auto()
    NOT_FOUND = auto()
    WRONG_QUESTION = auto()
    UNKNOWN = auto()


BY_STATUS = {
    200: Verdict.GOOD,
    400: Verdict.WRONG_QUESTION,
    401: Verdict.WRONG_TOKEN,
    404: Verdict.NOT_FOUND,
    408: Verdict.MISHAP,
    429: Verdict.QUOTA,
    500: Verdict.MISHAP,
    502: Verdict.MISHAP,
    503: Verdict.QUOTA,
    504: Verdict.MISHAP,
}


def verdict(status: int, body: Any = None) -> Verdict:
    """Judge an answer by its status, and a 403 by the reasons its body (parsed JSON, or None) gives."""
    if status != 403:
        return BY_STATUS.get(status, Verdict.UNKNOWN)
    reasons = frozenset(_reasons(body))
    if reasons & USAGE_LIMITS:
        return Verdict.QUOTA
    return Verdict.API_DISABLED if reasons & DISABLED else Verdict.NOT_SHARED


def _reasons(body: Any) -> Iterator[str]:
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return
    yield str(error.get("status"))
    for kind in ("errors", "details"):
        said = error.get(kind)
        for one in said if isinstance(said, list) else ():
            if isinstance(one, Mapping):
                yield str(one.get("reason"))


def retry_after(header: str | None, date: str | None) -> float | None:
    """Seconds to wait as a `Retry-After` asks for; None where it asks for nothing.

    A date in it is compared with the `Date` of the same answer: both are of the clock of who sent it.
    """
    if header is None:
        return None
    seconds = _seconds(header, date or "")
    if seconds is None or not isfinite(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def _seconds(header: str, date: str) -> float | None:
    try:
        return float(header)
    except ValueError:
        pass
    try:
        return (_moment(header) - _moment(date)).total_seconds()
    except ValueError:
        return None


def _moment(text: str) -> datetime:
    at = parsedate_to_datetime(text)
    return at.replace(tzinfo=at.tzinfo or UTC)
