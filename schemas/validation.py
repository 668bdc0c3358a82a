"""What pydantic finds wrong, as words that never repeat what was sent."""

from pydantic_core import ErrorDetails


def explain(error: ErrorDetails) -> str:
    """The library's own words, but for the one kind of error in which it quotes the value: an unknown tag."""
    if error["type"] == "union_tag_invalid":
        return f"{error['ctx']['discriminator']} must be one of {error['ctx']['expected_tags']}"
    return error["msg"]
