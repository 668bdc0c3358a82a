"""Job numbers have one spelling."""

import pytest

from schemas.integers import parse_job_number


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("403539", 403_539), (str(2**63 - 1), 2**63 - 1)])
def test_job_number_is_parsed(text: str, number: int) -> None:
    assert parse_job_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "0", "007", "-1", "+1", " 1", "1\n", "1_0", "1.0", "٣", "½", str(2**63), "9" * 5000]
)
def test_other_spelling_is_rejected(text: str) -> None:
    assert parse_job_number(text) is None
