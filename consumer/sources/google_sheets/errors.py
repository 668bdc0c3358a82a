"""How one call to Google can end without an answer: it is for the caller to wait, repeat or give up."""

from consumer.sources.google_sheets.responses import ResponseKind


class RateLimitedError(Exception):
    """Google asks to wait, for `seconds` where it says how long."""

    def __init__(self, retry_after: float | None = None) -> None:
        super().__init__("the quota is used up")
        self.retry_after = retry_after


class RetryableError(Exception):
    """No answer, or a broken one, as networks and servers have them; the text says which."""


class RequestDeniedError(Exception):
    """Google says no, and will say it again."""

    def __init__(self, kind: ResponseKind, status: int) -> None:
        super().__init__(f"status {status}")
        self.kind = kind
        self.status = status
