"""Whole numbers of messages: what JSON Schema calls an integer, and nothing that is only taken for one."""

from typing import Annotated, Literal

from pydantic import BeforeValidator

LARGEST_INT = 2**31 - 1
"""What Kafka counts partitions by."""
LARGEST_OFFSET = 2**53 - 1
"""Kafka counts offsets to 2**63, but JSON readers may take numbers for doubles (RFC 8259, section 6)."""


def number(value: object) -> object:
    """Refuse `true` and `"1"`: pydantic would read both as 1."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a whole number")
    return value


NUMBER = BeforeValidator(number)

Whole = Annotated[int, NUMBER]
"""A whole number; `7200.0` is one, too."""

SchemaVersion = Annotated[Literal[1], NUMBER]
"""The version of requests and status events."""
