import re
import time
import uuid

import pytest

from consumer.telemetry.redaction import redact_phones, sanitize
from schemas.text import MAX_MESSAGE_CHARS

PHONES = [
    "+79991234567",
    "8 (999) 123-45-67",
    "8.999.123.45.67",
    "999.123.45.67",
    "+7\N{NO-BREAK SPACE}999\N{NO-BREAK SPACE}123-45-67",
    "+7–999–123–45–67",
]


@pytest.mark.parametrize("phone", PHONES)
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "тел{} звонить",
        "тел.{} звонить",
        "т.{}",
        "Список.{}.xlsx",
        "x_{}.xlsx",
        "call {}, please",
        "({})",
    ],
)
def test_phone_keeps_two_digits(phone: str, around: str) -> None:
    assert redact_phones(around.format(phone)).replace("+", "") == around.format("…67")


@pytest.mark.parametrize(
    "text",
    [
        "it ended on 2026-10-06 and its job is gone",
        "2026-10-06 12:34:56.123456",
        "2026-10-06T12:34:56",
        "sheet «01.09.2025 12:00»",
        "01.09.2025-31.05.2026",
        "chats_20260105123045.xlsx",
        "192.168.110.254:5432 refuses",
        "155000 rows of 620000",
        "PostgreSQL 18.4",
        "sha 5a55d9991234567e0",
    ],
)
def test_text_without_phone_is_unchanged(text: str) -> None:
    assert redact_phones(text) == text


def test_adjacent_phones_are_redacted() -> None:
    shown = redact_phones("79991234567 79997654321 89997654377 +7 999 000-00-55, 89997654377")
    assert not re.search(r"\d{3}", shown)
    assert shown.endswith("…55, …77")


def test_long_text_is_redacted_quickly() -> None:
    began = time.process_time()
    for piece in ("\n 12-", "1 2 3 ", "1.", "(-", "12345678901-"):
        redact_phones(piece * 20_000)
    assert time.process_time() - began < 5, "no more than linear"


def test_id_is_unchanged() -> None:
    for number in range(500):
        text = f"request {uuid.UUID(int=(number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)} is known"
        assert redact_phones(text) == text


def test_unstorable_characters_are_replaced() -> None:
    assert sanitize("a\x00b\ud800c") == "a�b�c"


@pytest.mark.parametrize("before", range(1_570, 1_610))
@pytest.mark.parametrize("filler", [500, 5_000])
def test_phone_at_the_cut_is_redacted_before_it(before: int, filler: int) -> None:
    shown = sanitize("x" * before + " 79991234567 " + "x" * filler + " 79991234567 " + "x" * (before - 1_210))
    assert len(shown) <= MAX_MESSAGE_CHARS
    assert not re.search(r"\d{3}", shown)
