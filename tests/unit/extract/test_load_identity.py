"""A load is identified by its rules, its day and its source."""

from datetime import date

import pytest

from consumer.extract.load_identity import LoadIdentity

LOAD = LoadIdentity("2+phonenumbers-9.0.43", date(2026, 3, 1), "0f3a")


def test_fingerprint_round_trip() -> None:
    assert LOAD.fingerprint == "2+phonenumbers-9.0.43/2026-03-01/0f3a"
    assert LoadIdentity.parse(LOAD.fingerprint) == LOAD


@pytest.mark.parametrize("fingerprint", [None, "", "0f3a"])
def test_fingerprint_without_rules_identifies_no_load(fingerprint: str | None) -> None:
    assert LoadIdentity.parse(fingerprint) is None
