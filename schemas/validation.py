"""Explains validation errors of pydantic, in bounded time and without the values that were sent."""

from collections.abc import Iterable, Mapping
from itertools import islice

from pydantic_core import ErrorDetails

from schemas.json_text import Location
from schemas.requests import ACTIONS, FILE_KINDS, SOURCE_TYPES
from schemas.text import escape_invisible

MAX_ERRORS = 20
"""Number of errors that are explained; a message can cause tens of thousands."""
MAX_PATH_CHARS = 200
MAX_MEMBERS = 200
"""Limit of the members of all objects and arrays of a request; the largest valid one has about twenty."""
DUPLICATE_KEY_MESSAGE = "is given more than once in one object; give it once"
TAGGED_UNIONS: tuple[tuple[Location, frozenset[str]], ...] = (
    ((), ACTIONS),
    (("source",), SOURCE_TYPES),
    (("source", "file"), FILE_KINDS),
)
"""Locations whose value is one of several models, outermost first, and the tags of these models."""


def describe_error(error: ErrorDetails) -> str:
    """The message of pydantic, unless it quotes the value or names internals of pydantic."""
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
    """Location and explanation of the first `limit` errors."""
    return [(error["loc"], describe_error(error)) for error in islice(errors, limit)]


def error_path(location: Iterable[int | str]) -> str:
    """The location of a pydantic error as a path into the JSON that was sent."""
    return format_path(_without_union_tags(tuple(location)))


def format_path(location: Iterable[int | str]) -> str:
    """Keys joined by full stops, in at most MAX_PATH_CHARS characters.

    Keys are input of the sender. Invisible characters are escaped, since the path appears in headers, events,
    logs and answers, where a line end would forge a line.
    """
    return escape_invisible(".".join(map(str, location))[:MAX_PATH_CHARS])[:MAX_PATH_CHARS]


def _without_union_tags(location: Location) -> Location:
    """The location without the tags of unions that pydantic inserts between the keys."""
    for keys, tags in TAGGED_UNIONS:
        depth = len(keys)
        if len(location) > depth + 1 and location[:depth] == keys and location[depth] in tags:
            location = (*keys, *location[depth + 1 :])
    return location


def has_too_many_members(body: object, limit: int = MAX_MEMBERS) -> bool:
    """Whether parsed JSON has more members than `limit`; cheaper than validating each of them."""
    remaining, pending = limit, [body]
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            children: list[object] = list(node.values())
        elif isinstance(node, list):
            children = node
        else:
            continue
        remaining -= len(children)
        if remaining < 0:
            return True
        pending += children
    return False
