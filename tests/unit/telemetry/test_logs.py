"""Log lines contain no phones, but ids and counts."""

import pytest

from consumer.telemetry.logs import redact
from consumer.telemetry.redaction import redact_phones


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call +79991234567 now", "call …67 now"),
        ("8 (999) 123-45-67", "…67"),
        ("79991234567.0", "…67.0"),
        ("row 123456 of 155000", "row 123456 of 155000"),
        ("d0ce56b7-7222-4156-9b66-7fbc41f713ca", "d0ce56b7-7222-4156-9b66-7fbc41f713ca"),
        ("SQLSTATE 23505", "SQLSTATE 23505"),
    ],
)
def test_long_numbers_are_redacted(text: str, shown: str) -> None:
    assert redact_phones(text) == shown


def test_every_text_of_a_line_is_redacted_but_ids() -> None:
    line = {
        "event": "x",
        "exception": "Key (phone)=(+79991234567)",
        "request_id": "79991234567",
        "rows": 79991234567,
    }
    assert redact(None, "info", line) == {
        "event": "x",
        "exception": "Key (phone)=(…67)",
        "request_id": "79991234567",
        "rows": 79991234567,
    }
