"""What may go wrong at Google, to be ordered for some of the next requests."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple, Self

from devstack.fake_sheets import responses
from devstack.fake_sheets.responses import ApiResponse


class CapturedRequest(NamedTuple):
    """A request as it came: `query` holds the values by name, `at` is monotonic seconds."""

    method: str
    path: str
    query: dict[str, list[str]]
    at: float

    @property
    def is_token_request(self) -> bool:
        """Whether it asks for a token, and not for a spreadsheet."""
        return self.path == "/token"

    @property
    def is_values_request(self) -> bool:
        """Whether it asks for cells."""
        return "/values" in self.path

    @property
    def is_metadata_request(self) -> bool:
        """Whether it asks for the list of worksheets."""
        return not self.is_token_request and not self.is_values_request


RequestPredicate = Callable[[CapturedRequest], bool]


def is_api_request(request: CapturedRequest) -> bool:
    """Every request but those for a token."""
    return not request.is_token_request


@dataclass(frozen=True, slots=True)
class SheetsFault:
    """One way to go wrong: an answer instead of the right one, or something done to the right one.

    Fields: `answer` instead of all; `hangs` says nothing until the server closes; `cuts` closes the
    connection in the middle of the body; `rows` is how many rows of the right answer are told.
    """

    response: ApiResponse | None = None
    hangs: bool = False
    cuts: bool = False
    max_rows: int | None = None

    @classmethod
    def quota_exceeded(cls, retry_after: float | str | None = None) -> Self:
        """429, the quota is used up; `retry_after` is seconds or an HTTP date."""
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
        """502 of a front end: HTML, no JSON."""
        return cls(responses.bad_gateway())

    @classmethod
    def forbidden_usage_limit(cls, reason: str = "userRateLimitExceeded") -> Self:
        """403 that means a quota."""
        return cls(responses.usage_limit(reason))

    @classmethod
    def forbidden(cls) -> Self:
        """403, not shared."""
        return cls(responses.forbidden())

    @classmethod
    def api_disabled(cls) -> Self:
        """403, the project has not enabled the API."""
        return cls(responses.api_disabled())

    @classmethod
    def not_found(cls) -> Self:
        """404."""
        return cls(responses.not_found())

    @classmethod
    def office_file(cls) -> Self:
        """400, as for a workbook that lies in Drive."""
        return cls(responses.office_file())

    @classmethod
    def invalid_token(cls) -> Self:
        """401."""
        return cls(responses.invalid_token())

    @classmethod
    def hang(cls) -> Self:
        """No answer, until the server closes."""
        return cls(hangs=True)

    @classmethod
    def cut_off(cls) -> Self:
        """The connection closes in the middle of the body."""
        return cls(cuts=True)

    @classmethod
    def truncated(cls, rows: int) -> Self:
        """200, with no more than so many of the rows asked for."""
        return cls(max_rows=rows)

    @classmethod
    def empty(cls) -> Self:
        """200, as if there were no rows."""
        return cls(max_rows=0)


class FaultPlan:
    """The faults that are ordered, first come first served. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._pending: list[tuple[SheetsFault, int | None, RequestPredicate]] = []

    def inject(self, fault: SheetsFault, times: int | None, when: RequestPredicate) -> None:
        """For the next so many requests that `when` is true of; None is all of them."""
        with self._lock:
            self._pending.append((fault, times, when))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._pending.clear()

    def take_for(self, request: CapturedRequest) -> SheetsFault | None:
        """The fault for this request."""
        with self._lock:
            for number, (fault, times, when) in enumerate(self._pending):
                if when(request):
                    if times is not None:
                        rest = [(fault, times - 1, when)] if times > 1 else []
                        self._pending[number : number + 1] = rest
                    return fault
        return None
