"""Parses JSON of clients: strictly by RFC 8259, and with duplicate keys reported."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

Location = tuple[int | str, ...]

MAX_DIGITS = 100
"""Longest integer that is converted: Python needs quadratic time, and refuses more than 4,300 digits."""
OUT_OF_RANGE: int = 10**MAX_DIGITS
"""Replaces a longer integer: like the number itself, it exceeds the range of every field."""


@dataclass(frozen=True, slots=True)
class ParsedJson:
    """A parsed text. `has_duplicate_keys`: at least one of its objects has a key more than once."""

    body: Any
    has_duplicate_keys: bool

    def duplicate_keys(self) -> Iterator[Location]:
        """Locations of repeated keys; needs a walk over the whole body."""
        return _duplicate_locations(self.body) if self.has_duplicate_keys else iter(())

    def has_duplicate_at_top(self, key: str) -> bool:
        """Whether the outermost object has this key more than once."""
        return isinstance(self.body, _ObjectWithDuplicates) and key in self.body.duplicates


class _ObjectWithDuplicates(dict[str, Any]):
    """An object with repeated keys; as in `json` of Python, the last value wins."""

    duplicates: Sequence[str] = ()


def parse_json(text: bytes | str) -> ParsedJson:
    """Parse a text in UTF-8; raises ValueError if it is not JSON or nested too deeply for the parser."""
    has_duplicates = False

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal has_duplicates
        body = dict(pairs)
        if len(body) == len(pairs):
            return body
        has_duplicates = True
        marked = _ObjectWithDuplicates(body)
        marked.duplicates = _duplicated_names(pairs)
        return marked

    try:
        body = json.loads(
            text, object_pairs_hook=build, parse_int=_parse_int, parse_constant=_reject_constant
        )
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    return ParsedJson(body, has_duplicates)


def _parse_int(digits: str) -> int:
    if len(digits) <= MAX_DIGITS:
        return int(digits)
    return -OUT_OF_RANGE if digits.startswith("-") else OUT_OF_RANGE


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _duplicated_names(pairs: Sequence[tuple[str, Any]]) -> list[str]:
    """Every repeated key once, in the order of their first repetitions."""
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
        path, node = pending.pop()
        if isinstance(node, _ObjectWithDuplicates):
            yield from ((*path, name) for name in node.duplicates)
        if isinstance(node, Mapping):
            pending += [((*path, name), value) for name, value in node.items()]
        elif isinstance(node, list):
            pending += [((*path, index), value) for index, value in enumerate(node)]
