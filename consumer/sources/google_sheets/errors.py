"""How one call to Google can fail; the caller decides whether to retry."""

from consumer.sources.google_sheets.responses import ResponseKind


class RateLimitedError(Exception):
    """The quota is used up; `retry_after` is in seconds, None if Google does not say."""

    def __init__(self, retry_after: float | None = None) -> None:
        super().__init__("the quota is used up")
        self.retry_after = retry_after


class RetryableError(Exception):
    """No response, or an invalid one; the message says which and completes a sentence."""


class RequestDeniedError(Exception):
    """A permanent refusal."""

    def __init__(self, kind: ResponseKind, status: int) -> None:
        super().__init__(f"status {status}")
        self.kind = kind
        self.status = status
