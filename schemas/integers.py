"""Whole numbers of messages: what JSON Schema calls an integer, and nothing that is only taken for one."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator

MAX_INT32 = 2**31 - 1
"""What Kafka counts partitions by."""
MAX_OFFSET = 2**53 - 1
"""Kafka counts offsets to 2**63, but JSON readers may take numbers for doubles (RFC 8259, section 6)."""

MAX_JOB_NUMBER = 2**63 - 1
"""Postgres counts jobs by `bigint`."""
JOB_NUMBER_PATTERN = re.compile(r"[1-9][0-9]{0,18}")


def parse_job_number(text: str) -> int | None:
    """The number of a job, in the one form in which it is written; None for anything else, `007` for one."""
    if not JOB_NUMBER_PATTERN.fullmatch(text):
        return None
    value = int(text)
    return value if value <= MAX_JOB_NUMBER else None


def validate_number(value: object) -> object:
    """Refuse `true` and `"1"`: pydantic would read both as 1."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a whole number")
    return value


STRICT_NUMBER = BeforeValidator(validate_number)

StrictWholeNumber = Annotated[int, STRICT_NUMBER]
"""A whole number; `7200.0` is one, too."""

SchemaVersion = Annotated[Literal[1], STRICT_NUMBER]
"""The version of requests and status events."""
