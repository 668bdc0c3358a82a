"""What may go wrong at Google, to be ordered for some of the next requests."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple, Self

from devstack.sheets import bodies
from devstack.sheets.bodies import Answer


class Asked(NamedTuple):
    """A request as it came: `query` holds the values by name, `at` is monotonic seconds."""

    method: str
    path: str
    query: dict[str, list[str]]
    at: float

    @property
    def for_token(self) -> bool:
        """Whether it asks for a token, and not for a spreadsheet."""
        return self.path == "/token"

    @property
    def for_values(self) -> bool:
        """Whether it asks for cells."""
        return "/values" in self.path

    @property
    def for_metadata(self) -> bool:
        """Whether it asks for the list of worksheets."""
        return not self.for_token and not self.for_values


When = Callable[[Asked], bool]


def of_the_api(asked: Asked) -> bool:
    """Every request but those for a token."""
    return not asked.for_token


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong: an answer instead of the right one, or something done to the right one.

    Fields: `answer` instead of all; `hangs` says nothing until the server closes; `cuts` closes the
    connection in the middle of the body; `rows` is how many rows of the right answer are told.
    """

    answer: Answer | None = None
    hangs: bool = False
    cuts: bool = False
    rows: int | None = None

    @classmethod
    def too_many(cls, retry_after: float | str | None = None) -> Self:
        """429, the quota is used up; `retry_after` is seconds or an HTTP date."""
        return cls(bodies.too_many(None if retry_after is None else str(retry_after)))

    @classmethod
    def unavailable(cls) -> Self:
        """503."""
        return cls(bodies.unavailable())

    @classmethod
    def internal(cls) -> Self:
        """500."""
        return cls(bodies.internal())

    @classmethod
    def bad_gateway_html(cls) -> Self:
        """502 of a front end: HTML, no JSON."""
        return cls(bodies.bad_gateway())

    @classmethod
    def forbidden_usage_limit(cls, reason: str = "userRateLimitExceeded") -> Self:
        """403 that means a quota."""
        return cls(bodies.usage_limit(reason))

    @classmethod
    def forbidden(cls) -> Self:
        """403, not shared."""
        return cls(bodies.forbidden())

    @classmethod
    def api_disabled(cls) -> Self:
        """403, the project has not enabled the API."""
        return cls(bodies.api_disabled())

    @classmethod
    def not_found(cls) -> Self:
        """404."""
        return cls(bodies.not_found())

    @classmethod
    def office_file(cls) -> Self:
        """400, as for a workbook that lies in Drive."""
        return cls(bodies.office_file())

    @classmethod
    def bad_token(cls) -> Self:
        """401."""
        return cls(bodies.bad_token())

    @classmethod
    def hang(cls) -> Self:
        """No answer, until the server closes."""
        return cls(hangs=True)

    @classmethod
    def cut_off(cls) -> Self:
        """The connection closes in the middle of the body."""
        return cls(cuts=True)

    @classmethod
    def short(cls, rows: int) -> Self:
        """200, with no more than so many of the rows asked for."""
        return cls(rows=rows)

    @classmethod
    def empty_once(cls) -> Self:
        """200, as if there were no rows."""
        return cls(rows=0)


class Plan:
    """The faults that are ordered, first come first served. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._orders: list[tuple[Fault, int | None, When]] = []

    def order(self, fault: Fault, times: int | None, when: When) -> None:
        """For the next so many requests that `when` is true of; None is all of them."""
        with self._lock:
            self._orders.append((fault, times, when))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._orders.clear()

    def take(self, asked: Asked) -> Fault | None:
        """The fault for this request."""
        with self._lock:
            for number, (fault, times, when) in enumerate(self._orders):
                if when(asked):
                    if times is not None:
                        rest = [(fault, times - 1, when)] if times > 1 else []
                        self._orders[number : number + 1] = rest
                    return fault
        return None
