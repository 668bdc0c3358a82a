"""The key of a rejected row in a workbook or CSV: which row it is, and which record it had when exported.

`v1:<job>:<run>:<load>:<row number>:<digest>`. The digest changes if another record is rejected in that row.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from schemas.integers import MAX_JOB_NUMBER

DIGEST_HEX_DIGITS = 32
"""The first 128 of the 256 bits of SHA-256: it detects changes, it does not authenticate."""
KEY_PATTERN = re.compile(
    r"v1:([1-9][0-9]{0,18}):([1-9][0-9]{0,9}):([0-9]{1,19}):(-?[0-9]{1,19}):"
    rf"([0-9a-f]{{{DIGEST_HEX_DIGITS}}})"
)


@dataclass(frozen=True, slots=True)
class RowKey:
    """Identifies a rejected row of one load of a job.

    `row_number` is that of `migration_errors`; `record_digest` is the `record_digest` of its record.
    """

    job_id: int
    run: int
    load: int
    row_number: int
    record_digest: str

    def __str__(self) -> str:
        """The key as a cell contains it."""
        return f"v1:{self.job_id}:{self.run}:{self.load}:{self.row_number}:{self.record_digest}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The key in a cell, without blanks around it; None for any other text."""
        match = KEY_PATTERN.fullmatch(text.strip())
        if match is None:
            return None
        job_id, run, load, row_number = (int(part) for part in match.groups()[:4])
        if max(job_id, load, abs(row_number)) > MAX_JOB_NUMBER:
            return None
        return cls(job_id, run, load, row_number, match[5])


def record_digest(record_json: str) -> str:
    """The digest of a record: hexadecimal, of its JSON text exactly as it is stored."""
    return hashlib.sha256(record_json.encode()).hexdigest()[:DIGEST_HEX_DIGITS]
