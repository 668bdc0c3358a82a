"""What pydantic finds wrong, as words that never repeat what was sent, and in bounded time."""

from collections.abc import Iterable, Mapping
from itertools import islice

from pydantic_core import ErrorDetails

from schemas.json_text import Location
from schemas.requests import ACTIONS, FILE_KINDS, SOURCE_TYPES
from schemas.text import escaped

MOST_SHOWN = 20
"""Wrong fields that are explained; a sender can make tens of thousands of them."""
PATH_CHARACTERS = 200
MOST_MEMBERS = 200
"""Members of all objects and arrays of a request; the largest valid one has some twenty."""
REPEATED = "is given more than once in one object; give it once"
UNIONS: tuple[tuple[Location, frozenset[str]], ...] = (
    ((), ACTIONS),
    (("source",), SOURCE_TYPES),
    (("source", "file"), FILE_KINDS),
)
"""Keys whose value is one of several models, outermost first, and the names of these."""


def explain(error: ErrorDetails) -> str:
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


def explained(errors: Iterable[ErrorDetails], most: int = MOST_SHOWN) -> list[tuple[Location, str]]:
    """Location and explanation of the first errors."""
    return [(error["loc"], explain(error)) for error in islice(errors, most)]


def path_of(location: Iterable[int | str]) -> str:
    """The location of an error of pydantic as a path into the JSON that was sent."""
    return path_text(_without_tags(tuple(location)))


def path_text(location: Iterable[int | str]) -> str:
    """Keys joined with full stops.

    They come from the sender, so the path is cut, and what nobody sees is written as an escape: it ends in
    headers, events, logs and answers, where a line end would forge a line.
    """
    return escaped(".".join(map(str, location))[:PATH_CHARACTERS])[:PATH_CHARACTERS]


def _without_tags(location: Location) -> Location:
    """The location without the names of union members that pydantic puts between the keys."""
    for keys, tags in UNIONS:
        depth = len(keys)
        if len(location) > depth + 1 and location[:depth] == keys and location[depth] in tags:
            location = (*keys, *location[depth + 1 :])
    return location


def has_too_many_members(body: object, most: int = MOST_MEMBERS) -> bool:
    """Whether parsed JSON is larger than any request, before time is spent on each of its members."""
    left, pending = most, [body]
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
