"""Whole numbers of messages: what JSON Schema calls an integer, and nothing that is only taken for one."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator

LARGEST_INT = 2**31 - 1
"""What Kafka counts partitions by."""
LARGEST_OFFSET = 2**53 - 1
"""Kafka counts offsets to 2**63, but JSON readers may take numbers for doubles (RFC 8259, section 6)."""

LARGEST_JOB_NUMBER = 2**63 - 1
"""Postgres counts jobs by `bigint`."""
JOB_NUMBER = re.compile(r"[1-9][0-9]{0,18}")


def job_number(text: str) -> int | None:
    """The number of a job, in the one form in which it is written; None for anything else, `007` for one."""
    if not JOB_NUMBER.fullmatch(text):
        return None
    value = int(text)
    return value if value <= LARGEST_JOB_NUMBER else None


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
