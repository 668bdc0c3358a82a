"""A load is known by its rules, its day and its source."""

from datetime import date

import pytest

from consumer.extract.load_identity import LoadIdentity

LOAD = LoadIdentity("2+phonenumbers-9.0.43", date(2026, 3, 1), "0f3a")


def test_an_identity_is_read_back_from_its_fingerprint() -> None:
    assert LOAD.fingerprint == "2+phonenumbers-9.0.43/2026-03-01/0f3a"
    assert LoadIdentity.parse(LOAD.fingerprint) == LOAD


@pytest.mark.parametrize("fingerprint", [None, "", "0f3a"])
def test_a_fingerprint_without_rules_is_of_no_load_that_can_be_resumed(fingerprint: str | None) -> None:
    assert LoadIdentity.parse(fingerprint) is None
