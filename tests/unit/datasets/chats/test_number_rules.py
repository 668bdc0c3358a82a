"""ИНН, КПП, phones, whole numbers, flags and dates."""

# ruff: noqa: DTZ001 – workbooks know no time zones
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from consumer.datasets.chats.rules.date import chat_date
from consumer.datasets.chats.rules.flag import flag, resolve_flags
from consumer.datasets.chats.rules.inn_kpp import inn, kpp
from consumer.datasets.chats.rules.integer import integer
from consumer.datasets.chats.rules.phone import phone
from consumer.datasets.chats.rules.result import Invalid, Valid
from schemas.codes import WarningCode
from tests.support.reference_phones import phone_in
from tests.unit.datasets.chats.misread_phones import MISREAD_PHONES
from tests.unit.datasets.chats.more_phone_cases import MORE_PHONES, NAMES
from tests.unit.datasets.chats.phone_cases import PHONES

LATEST = date(2026, 3, 2)
"""The latest date that is accepted."""
NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("cell", "result"),
    [
        ("7707083893", Valid("7707083893")),
        (7707083893.0, Valid("7707083893")),
        (7707083893, Valid("7707083893")),
        (" 7707083893.0\u00a0", Valid("7707083893")),
        ("7707083893.00", Valid("7707083893")),
        ("105014177.0000", Valid("0105014177", WarningCode.INN_ZERO_RESTORED)),
        ("500100732259", Valid("500100732259")),
        ("7707083894", Valid("7707083894", WarningCode.INN_CHECK_DIGIT)),
        ("500100732258", Valid("500100732258", WarningCode.INN_CHECK_DIGIT)),
        ("105014177", Valid("0105014177", WarningCode.INN_ZERO_RESTORED)),
        (105014177.0, Valid("0105014177", WarningCode.INN_ZERO_RESTORED)),
    ],
)
def test_inn_is_normalized(cell: object, result: Valid) -> None:
    assert inn(cell) == result


@pytest.mark.parametrize("cell", [None, "", " \u200b"])
def test_inn_is_required(cell: object) -> None:
    result = inn(cell)
    assert isinstance(result, Invalid)
    assert result.code == "required"
    assert "empty or error cell" in result.message


@pytest.mark.parametrize(
    "cell",
    [
        "105014178", "12345678901", "770708389", "77070838930000", "7707083893.01",
        "7707083893.", "7707083893,0",
        "77 07083893", "ИНН 7707083893", "７７０７０８３８９３", "٧٧٠٧٠٨٣٨٩٣", "-7707083893", -7707083893.0,
        7707083893.5, True, date(2024, 12, 10), NAN, INFINITE, 2.0**53, "7707083893\x00", ".0", "1e9",
    ],
)  # fmt: skip
def test_invalid_inn_is_rejected(cell: object) -> None:
    assert isinstance(inn(cell), Invalid)


@pytest.mark.parametrize(
    ("cell", "result"),
    [
        (None, Valid("")),
        (" ", Valid("")),
        ("770701001", Valid("770701001")),
        (770701001.0, Valid("770701001")),
        ("7707AZ001", Valid("7707AZ001")),
        ("77071001", Valid("077071001", WarningCode.KPP_ZERO_RESTORED)),
        (77071001.0, Valid("077071001", WarningCode.KPP_ZERO_RESTORED)),
    ],
)
def test_kpp_is_normalized(cell: object, result: Valid) -> None:
    assert kpp(cell) == result


@pytest.mark.parametrize(
    "cell",
    [
        "7707az001", "77A7AZ001", "7707010011", "7707001", "7707АВ001", "770701001.0", "77070100А",
        "７７０７０１００１", True, 2.0**53, date(2024, 12, 10), NAN, "_x0000_",
    ],
)  # fmt: skip
def test_invalid_kpp_is_rejected(cell: object) -> None:
    assert isinstance(kpp(cell), Invalid)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("", ""),
        (None, ""),
        ("\u00a0", ""),
        ("+79161234567", "+79161234567"),
        ("8 (916) 123-45-67", "+79161234567"),
        ("7 916 123 45 67", "+79161234567"),
        ("+7 (916) 123-45-67", "+79161234567"),
        ("9161234567", "+79161234567"),
        (79161234567.0, "+79161234567"),
        (89161234567, "+79161234567"),
        (9161234567.0, "+79161234567"),
        ("79161234567.0", "+79161234567"),
        ("8001234567.0", "+78001234567"),
        ("+8 916 123-45-67", "+79161234567"),
        ("+852 2345 6789", "+85223456789"),
        ("+81 90-1234-5678", "+819012345678"),
        ("+375 29 123-45-67", "+375291234567"),
        (Decimal(9161234567), "+79161234567"),
        ("тел. +7 916 123-45-67", "+79161234567"),
    ],
)
def test_phone_becomes_e164(cell: object, expected: str) -> None:
    assert phone(cell) == Valid(expected)


@pytest.mark.parametrize(
    "cell",
    [
        "нет", "-", "+", "1234567", "+1234567", "+1234567890123456", "99161234567", "375291234567",
        "+9161234567", "+12345678", "+123456789012345", "+7 916 123-45-678", "8 9161234567 " + "!" * 200,
        -79161234567.0, 791612345.67, 9161234567.5, Decimal("791612345.67"),
        "8 916 123-45-67, 8 916 765-43-21", "７9161234567", "8916123456٧", "8916123456²", True, NAN, INFINITE,
        2.0**53, date(2024, 12, 10), datetime(2024, 12, 10, 1, 2, 3), time(1), timedelta(1), "\x00",
        b"79161234567",
        79_100_000_000.0, 79_123_000_000, 9_120_000_000.0, Decimal("7.91E+10"),  # were text like 7,91E+10
    ],
)  # fmt: skip
def test_invalid_phone_is_dropped_with_a_warning(cell: object) -> None:
    assert phone(cell) == Valid("", WarningCode.PHONE)


ALL_PHONES = (*PHONES, *MORE_PHONES, *NAMES, *MISREAD_PHONES)


@pytest.mark.parametrize(("cell", "expected"), ALL_PHONES)
def test_phones_in_common_spellings(cell: str, expected: tuple[str, str | None]) -> None:
    assert phone(cell) == expected


@pytest.mark.parametrize(("cell", "expected"), ALL_PHONES)
def test_reference_agrees_on_phones(cell: str, expected: tuple[str, str | None]) -> None:
    assert phone_in(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, None), ("", None), (" ", None), (0.0, 0), (-0.0, 0), (3.0, 3), (3, 3), ("3", 3), ("3.0", 3),
        (" 3 ", 3), ("007", 7), (2**31 - 1, 2**31 - 1), ("2147483647", 2**31 - 1), ("0" * 5000 + "1", 1),
    ],
)  # fmt: skip
def test_whole_number_becomes_an_integer(cell: object, expected: int | None) -> None:
    assert integer(cell) == Valid(expected)


@pytest.mark.parametrize(
    "cell",
    [
        -1, -1.0, "-1", 2**31, 2.0**31, 2.0**53, 3.5, "3.5", "3,0", "1 курс", "+3", "1 000", "３", "٣", True,
        False, NAN, INFINITE, date(2024, 1, 1), "9" * 5000, "\x00",
    ],
)  # fmt: skip
def test_invalid_whole_number_is_rejected(cell: object) -> None:
    assert isinstance(integer(cell), Invalid)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (1, True), (1.0, True), ("1", True), (True, True), ("TRUE", True), ("Истина", True), (" да ", True),
        (0, False), (0.0, False), ("0", False), (False, False), ("False", False), ("ЛОЖЬ", False),
        ("Нет", False),
        (None, None), ("", None), ("\u200b", None),
    ],
)  # fmt: skip
def test_flags_in_english_and_russian(cell: object, expected: bool | None) -> None:
    assert flag(cell) == Valid(expected)


@pytest.mark.parametrize("cell", ["yes", "2", 2, -1, 0.5, "1.0", NAN, 2.0**53, date(2024, 1, 1), "\x00"])
def test_invalid_flag_is_false_and_warns(cell: object) -> None:
    assert flag(cell) == Valid(False, WarningCode.FLAG)


def test_two_empty_flags_are_true() -> None:
    assert resolve_flags(None, None) == (True, True)
    assert resolve_flags(None, True) == (False, True)
    assert resolve_flags(False, None) == (False, False)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, None),
        ("", None),
        (date(2024, 12, 10), date(2024, 12, 10)),
        (datetime(2024, 12, 10, 23, 59), date(2024, 12, 10)),
        (datetime(2024, 12, 10, tzinfo=UTC), date(2024, 12, 10)),
        (date(1990, 1, 1), date(1990, 1, 1)),
        (LATEST, LATEST),
        (datetime(2026, 3, 2, 23, 59), LATEST),
        (45636.0, date(2024, 12, 10)),
        (45636.75, date(2024, 12, 10)),
        (32874, date(1990, 1, 1)),
        (46083.5, LATEST),
        ("2024-12-10", date(2024, 12, 10)),
        (" 2024-12-10 ", date(2024, 12, 10)),
        ("20241210", date(2024, 12, 10)),
        ("2024-12-10T23:59:59", date(2024, 12, 10)),
        ("2024-12-10 23:59:59.123", date(2024, 12, 10)),
        ("2024-12-10T23:59:59+03:00", date(2024, 12, 10)),
        ("2024-12-10T23:59:59Z", date(2024, 12, 10)),
        ("10.12.2024", date(2024, 12, 10)),
        (" 1.2.2024 ", date(2024, 2, 1)),
        ("10.12.2024 9:05", date(2024, 12, 10)),
        ("10.12.2024  23:59:59", date(2024, 12, 10)),
        ("02.03.2026", LATEST),
    ],
)
def test_date_from_date_serial_or_text(cell: object, expected: date | None) -> None:
    assert chat_date(cell, LATEST) == Valid(expected)


@pytest.mark.parametrize(
    "cell",
    [
        "31.02.2024", "10.13.2024", "10.12.24", "10.12.2024 24:00", "10.12.2024 г", "12/10/2024",
        "2024-13-01", "2024-02-30", "0000-01-01", "2024-12", "вчера", "45636", "2024-12-10x",
        "２０２４-12-10", 0, 60, -1, 0.5, 2_958_466, 1.7e12, NAN, INFINITE, True, time(1),
        timedelta(1), "\x00",
        # before 1990 or after tomorrow
        2024, 2024.0, 32873, 46084, 2_958_465, 61, date(1989, 12, 31), date(2026, 3, 3),
        datetime(2026, 3, 3), datetime(1905, 7, 16), "1989-12-31", "31.12.1989", "2026-03-03", "03.03.2026",
        "20260303", "9999-12-31",
    ],
)  # fmt: skip
def test_invalid_date_is_dropped_with_a_warning(cell: object) -> None:
    assert chat_date(cell, LATEST) == Valid(None, WarningCode.DATE)
