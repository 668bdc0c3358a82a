"""Reads JSON that others wrote: strictly RFC 8259, and with nothing in it dropped silently."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

Location = tuple[int | str, ...]

MAX_DIGITS = 100
"""Digits of an integer that are converted; Python refuses more than 4,300 and takes quadratic time."""
OUT_OF_RANGE: int = 10**MAX_DIGITS
"""Takes the place of a longer integer: as much out of every range as the number itself."""


@dataclass(frozen=True, slots=True)
class ParsedJson:
    """A parsed text. `has_duplicate_keys`: some object in it names a key more than once."""

    body: Any
    has_duplicate_keys: bool

    def duplicate_keys(self) -> Iterator[Location]:
        """Where a key is named more than once; costs a walk over the whole body."""
        return _duplicate_locations(self.body) if self.has_duplicate_keys else iter(())

    def has_duplicate_at_top(self, key: str) -> bool:
        """Whether the outermost object names this key more than once."""
        return isinstance(self.body, _ObjectWithDuplicates) and key in self.body.duplicates


class _ObjectWithDuplicates(dict[str, Any]):
    """An object with repeated keys; as in Python's own parser the last value counts."""

    duplicates: Sequence[str] = ()


def parse_json(text: bytes | str) -> ParsedJson:
    """Parse a text in UTF-8; raises ValueError where it is not JSON, or nested too deeply to be read."""
    has_repeats = False

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal has_repeats
        body = dict(pairs)
        if len(body) == len(pairs):
            return body
        has_repeats = True
        marked = _ObjectWithDuplicates(body)
        marked.duplicates = _duplicated_names(pairs)
        return marked

    try:
        body = json.loads(
            text, object_pairs_hook=build, parse_int=_parse_int, parse_constant=_reject_constant
        )
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    return ParsedJson(body, has_repeats)


def _parse_int(digits: str) -> int:
    if len(digits) <= MAX_DIGITS:
        return int(digits)
    return -OUT_OF_RANGE if digits.startswith("-") else OUT_OF_RANGE


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _duplicated_names(pairs: Sequence[tuple[str, Any]]) -> list[str]:
    """Each repeated key once, in the order of its first repetition."""
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    for name, _ in pairs:
        if name in seen:
            repeated[name] = None
        seen.add(name)
    return list(repeated)


def _duplicate_locations(body: object) -> Iterator[Location]:
    pending: list[tuple[Location, object]] = [((), body)]
    while pending:
        path, one = pending.pop()
        if isinstance(one, _ObjectWithDuplicates):
            yield from ((*path, name) for name in one.duplicates)
        if isinstance(one, Mapping):
            pending += [((*path, name), value) for name, value in one.items()]
        elif isinstance(one, list):
            pending += [((*path, index), value) for index, value in enumerate(one)]
