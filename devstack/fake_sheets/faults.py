"""Faults of the Sheets API that tests inject into some of the next requests."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple, Self

from devstack.fake_sheets import responses
from devstack.fake_sheets.responses import ApiResponse


class CapturedRequest(NamedTuple):
    """A received request: `query` holds lists of values by name, `at` is `time.monotonic()`."""

    method: str
    path: str
    query: dict[str, list[str]]
    at: float

    @property
    def is_token_request(self) -> bool:
        """Whether it requests an access token."""
        return self.path == "/token"

    @property
    def is_values_request(self) -> bool:
        """Whether it requests cells."""
        return "/values" in self.path

    @property
    def is_metadata_request(self) -> bool:
        """Whether it requests the list of worksheets."""
        return not self.is_token_request and not self.is_values_request


RequestPredicate = Callable[[CapturedRequest], bool]


def is_api_request(request: CapturedRequest) -> bool:
    """A predicate: every request except those for a token."""
    return not request.is_token_request


@dataclass(frozen=True, slots=True)
class SheetsFault:
    """One fault: a response instead of the regular one, or a change to the regular one.

    `hangs` sends nothing until the server closes; `cuts` closes the connection in the middle of the body;
    `max_rows` limits the rows of the regular response.
    """

    response: ApiResponse | None = None
    hangs: bool = False
    cuts: bool = False
    max_rows: int | None = None

    @classmethod
    def quota_exceeded(cls, retry_after: float | str | None = None) -> Self:
        """429; `retry_after` is seconds or an HTTP date."""
        return cls(responses.quota_exceeded(None if retry_after is None else str(retry_after)))

    @classmethod
    def unavailable(cls) -> Self:
        """503."""
        return cls(responses.unavailable())

    @classmethod
    def internal(cls) -> Self:
        """500."""
        return cls(responses.internal())

    @classmethod
    def bad_gateway_html(cls) -> Self:
        """502 of a front end: HTML instead of JSON."""
        return cls(responses.bad_gateway())

    @classmethod
    def forbidden_usage_limit(cls, reason: str = "userRateLimitExceeded") -> Self:
        """403 that reports an exceeded quota."""
        return cls(responses.usage_limit(reason))

    @classmethod
    def forbidden(cls) -> Self:
        """403: the spreadsheet is not shared with the account."""
        return cls(responses.forbidden())

    @classmethod
    def api_disabled(cls) -> Self:
        """403: the API is not enabled in the project."""
        return cls(responses.api_disabled())

    @classmethod
    def not_found(cls) -> Self:
        """404."""
        return cls(responses.not_found())

    @classmethod
    def office_file(cls) -> Self:
        """400, as for an Office file in Drive."""
        return cls(responses.office_file())

    @classmethod
    def invalid_token(cls) -> Self:
        """401."""
        return cls(responses.invalid_token())

    @classmethod
    def hang(cls) -> Self:
        """No response until the server closes."""
        return cls(hangs=True)

    @classmethod
    def cut_off(cls) -> Self:
        """The connection is closed in the middle of the body."""
        return cls(cuts=True)

    @classmethod
    def truncated(cls, rows: int) -> Self:
        """200 with at most `rows` of the requested rows."""
        return cls(max_rows=rows)

    @classmethod
    def empty(cls) -> Self:
        """200 without any row."""
        return cls(max_rows=0)


class FaultPlan:
    """The injected faults in order of injection; thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._pending: list[tuple[SheetsFault, int | None, RequestPredicate]] = []

    def inject(self, fault: SheetsFault, times: int | None, when: RequestPredicate) -> None:
        """Apply the fault to the next `times` requests that satisfy `when`; None means all of them."""
        with self._lock:
            self._pending.append((fault, times, when))

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._pending.clear()

    def take_for(self, request: CapturedRequest) -> SheetsFault | None:
        """The first fault that applies to this request; counts as one of its times."""
        with self._lock:
            for index, (fault, times, when) in enumerate(self._pending):
                if when(request):
                    if times is not None:
                        remaining = [(fault, times - 1, when)] if times > 1 else []
                        self._pending[index : index + 1] = remaining
                    return fault
        return None
