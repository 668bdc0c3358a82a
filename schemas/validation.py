"""What pydantic finds wrong, as words that never repeat what was sent, and in bounded time."""

from collections.abc import Iterable, Mapping
from itertools import islice

from pydantic_core import ErrorDetails

from schemas.text import escaped

Location = tuple[int | str, ...]

MOST_SHOWN = 20
"""Wrong fields that are explained; a sender can make tens of thousands of them."""
PATH_CHARACTERS = 200
MOST_MEMBERS = 200
"""Members of all objects and arrays of a request; the largest valid one has some twenty."""


def explain(error: ErrorDetails) -> str:
    """The library's own words, but for the one kind of error in which it quotes the value: an unknown tag."""
    if error["type"] == "union_tag_invalid":
        return f"{error['ctx']['discriminator']} must be one of {error['ctx']['expected_tags']}"
    return error["msg"]


def explained(errors: Iterable[ErrorDetails], most: int = MOST_SHOWN) -> list[tuple[Location, str]]:
    """Location and explanation of the first errors."""
    return [(error["loc"], explain(error)) for error in islice(errors, most)]


def path_of(location: Iterable[int | str]) -> str:
    """A location as a path with full stops.

    Names in it come from the sender, so it is cut, and what nobody sees is written as an escape: it ends in
    headers, events, logs and answers, where a line end would forge a line.
    """
    return escaped(".".join(map(str, location))[:PATH_CHARACTERS])[:PATH_CHARACTERS]


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
