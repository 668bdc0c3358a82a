"""Integers of messages, as strict as JSON Schema: no booleans, no numbers in strings."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator

MAX_INT32 = 2**31 - 1
"""Kafka numbers partitions with a signed 32-bit integer."""
MAX_OFFSET = 2**53 - 1
"""Kafka numbers offsets up to 2**63, but JSON parsers may read numbers as doubles (RFC 8259, section 6)."""

MAX_JOB_NUMBER = 2**63 - 1
"""The largest `bigint` of Postgres."""
JOB_NUMBER_PATTERN = re.compile(r"[1-9][0-9]{0,18}")


def parse_job_number(text: str) -> int | None:
    """The number of a job in canonical form; None for any other text, such as `007`."""
    if not JOB_NUMBER_PATTERN.fullmatch(text):
        return None
    value = int(text)
    return value if value <= MAX_JOB_NUMBER else None


def validate_number(value: object) -> object:
    """Return the value unchanged; raise ValueError for `true` and `"1"`, which pydantic would read as 1."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a whole number")
    return value


STRICT_NUMBER = BeforeValidator(validate_number)

StrictWholeNumber = Annotated[int, STRICT_NUMBER]
"""A whole number; JSON Schema counts `7200.0` as one."""

SchemaVersion = Annotated[Literal[1], STRICT_NUMBER]
"""The version of requests and status events."""
