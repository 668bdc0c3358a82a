"""Reads JSON that others wrote: strictly RFC 8259, and with nothing in it dropped silently."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

Location = tuple[int | str, ...]

MOST_DIGITS = 100
"""Digits of an integer that are converted; Python refuses more than 4,300 and takes quadratic time."""
OVERSIZED: int = 10**MOST_DIGITS
"""Takes the place of a longer integer: as much out of every range as the number itself."""


@dataclass(frozen=True, slots=True)
class Json:
    """A parsed text. `has_repeats`: some object in it names a key more than once."""

    body: Any
    has_repeats: bool

    def repeats(self) -> Iterator[Location]:
        """Where a key is named more than once; costs a walk over the whole body."""
        return _repeats(self.body) if self.has_repeats else iter(())

    def repeats_at_top(self, name: str) -> bool:
        """Whether the outermost object names this key more than once."""
        return isinstance(self.body, _Repeating) and name in self.body.repeated


class _Repeating(dict[str, Any]):
    """An object with repeated keys; as in Python's own parser the last value counts."""

    repeated: Sequence[str] = ()


def parse_json(text: bytes | str) -> Json:
    """Parse a text in UTF-8; raises ValueError where it is not JSON, or nested too deeply to be read."""
    has_repeats = False

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal has_repeats
        body = dict(pairs)
        if len(body) == len(pairs):
            return body
        has_repeats = True
        marked = _Repeating(body)
        marked.repeated = _repeated(pairs)
        return marked

    try:
        body = json.loads(text, object_pairs_hook=build, parse_int=_integer, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    return Json(body, has_repeats)


def _integer(digits: str) -> int:
    if len(digits) <= MOST_DIGITS:
        return int(digits)
    return -OVERSIZED if digits.startswith("-") else OVERSIZED


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _repeated(pairs: Sequence[tuple[str, Any]]) -> list[str]:
    """Each repeated key once, in the order of its first repetition."""
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    for name, _ in pairs:
        if name in seen:
            repeated[name] = None
        seen.add(name)
    return list(repeated)


def _repeats(body: object) -> Iterator[Location]:
    pending: list[tuple[Location, object]] = [((), body)]
    while pending:
        path, one = pending.pop()
        if isinstance(one, _Repeating):
            yield from ((*path, name) for name in one.repeated)
        if isinstance(one, Mapping):
            pending += [((*path, name), value) for name, value in one.items()]
        elif isinstance(one, list):
            pending += [((*path, index), value) for index, value in enumerate(one)]
