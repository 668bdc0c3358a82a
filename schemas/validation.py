"""What pydantic finds wrong, as words that never repeat what was sent, and in bounded time."""

from collections.abc import Iterable, Mapping
from itertools import islice

from pydantic_core import ErrorDetails

from schemas.json_text import Location
from schemas.requests import ACTIONS, FILE_KINDS, SOURCE_TYPES
from schemas.text import escape_invisible

MAX_ERRORS = 20
"""Wrong fields that are explained; a sender can make tens of thousands of them."""
MAX_PATH_CHARS = 200
MAX_MEMBERS = 200
"""Members of all objects and arrays of a request; the largest valid one has some twenty."""
DUPLICATE_KEY_MESSAGE = "is given more than once in one object; give it once"
TAGGED_UNIONS: tuple[tuple[Location, frozenset[str]], ...] = (
    ((), ACTIONS),
    (("source",), SOURCE_TYPES),
    (("source", "file"), FILE_KINDS),
)
"""Keys whose value is one of several models, outermost first, and the names of these."""


def describe_error(error: ErrorDetails) -> str:
    """The library's own words, except where it quotes the value or speaks of its own means."""
    match error["type"]:
        case "union_tag_invalid":
            return f"{error['ctx']['discriminator']} must be one of {error['ctx']['expected_tags']}"
        case "union_tag_not_found":
            return f"must be an object with {error['ctx']['discriminator']}"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            return error["msg"]


def describe_errors(errors: Iterable[ErrorDetails], limit: int = MAX_ERRORS) -> list[tuple[Location, str]]:
    """Location and explanation of the first errors."""
    return [(error["loc"], describe_error(error)) for error in islice(errors, limit)]


def error_path(location: Iterable[int | str]) -> str:
    """The location of an error of pydantic as a path into the JSON that was sent."""
    return format_path(_without_union_tags(tuple(location)))


def format_path(location: Iterable[int | str]) -> str:
    """Keys joined with full stops.

    They come from the sender, so the path is cut, and what nobody sees is written as an escape: it ends in
    headers, events, logs and answers, where a line end would forge a line.
    """
    return escape_invisible(".".join(map(str, location))[:MAX_PATH_CHARS])[:MAX_PATH_CHARS]


def _without_union_tags(location: Location) -> Location:
    """The location without the names of union members that pydantic puts between the keys."""
    for keys, tags in TAGGED_UNIONS:
        depth = len(keys)
        if len(location) > depth + 1 and location[:depth] == keys and location[depth] in tags:
            location = (*keys, *location[depth + 1 :])
    return location


def has_too_many_members(body: object, limit: int = MAX_MEMBERS) -> bool:
    """Whether parsed JSON is larger than any request, before time is spent on each of its members."""
    left, pending = limit, [body]
    while pending:
        one = pending.pop()
        if isinstance(one, Mapping):
            children: list[object] = list(one.values())
        elif isinstance(one, list):
            children = one
        else:
            continue
        left -= len(children)
        if left < 0:
            return True
        pending += children
    return False
