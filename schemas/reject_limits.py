"""The limit of rejected rows in a request: a number of rows, or a percentage of the rows read."""

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

MAX_ROWS = 1_000_000_000
PERCENT_PATTERN = r"^(?:100|[1-9]?[0-9](?:\.[0-9]{1,2})?)%$"
PERCENT = re.compile(PERCENT_PATTERN)
DIGITS = re.compile(r"[0-9]{1,10}")
RULE = f'must be a whole number of rows from 0 to {MAX_ROWS}, or a percentage in quotes such as "10%"'


def validate_reject_limit(value: object) -> int | str:
    """The limit as a number or a text such as `10%`; raises ValueError for anything else."""
    if isinstance(value, str) and PERCENT.fullmatch(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(RULE)
    if value != value // 1 or not 0 <= value <= MAX_ROWS:
        raise ValueError(RULE)
    return int(value)


RejectLimitValue = Annotated[
    int | str,
    BeforeValidator(validate_reject_limit),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": MAX_ROWS},
                {"type": "string", "pattern": PERCENT_PATTERN},
            ]
        }
    ),
]
"""A number of rows, or a percentage from `0%` to `100%` with at most two decimals."""


def parse_reject_limit(text: str) -> int | str:
    """The limit in a form field or on a command line: digits are a number, other text is left as it is."""
    return int(text) if DIGITS.fullmatch(text) else text


def reject_limit_text(limit: int | str | None) -> str | None:
    """The limit as it is stored with a job."""
    return None if limit is None else str(limit)
