"""Which numbers of a workbook are dates."""

import pytest

from consumer.sources.excel.formats import Format, built_in, custom

DATE, DURATION = Format.DATE, Format.DURATION


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("dd.mm.yyyy", DATE),
        ("DD/MM/YY", DATE),
        ("H:MM:SS;@", DATE),
        ('m"M"d"D";@', DATE),
        ("[$-419]d mmmm yyyy", DATE),
        ("[$-404]e\\m", None),
        ("*-yyyy-mm-dd", DATE),
        ("[h]:mm:ss", DURATION),
        ("[ss]", DURATION),
        ("[>=100][Magenta][s].00", DURATION),
        ("[Blue]\\+[h]:mm;[Red]\\-[h]:mm", DURATION),
        ("General", None),
        ("@", None),
        ("0", None),
        ("000000", None),
        ("#,##0\\ [$₽-46D]", None),
        ('#,##0.0####" YMD"', None),
        ('"Y: "0.00"m"', None),
        ("[Red]0", None),
        ("0_d", None),
        ("#,##0*y", None),
        ("\\Y000000", None),
        ("0;dd.mm", None),
        ('"never closed d', None),
        ("[never closed", None),
        ("\\", None),
        ("", None),
    ],
)
def test_a_format_of_dates_is_told_from_other_formats(code: str, expected: Format | None) -> None:
    assert custom(code) is expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("0", None),
        ("13", None),
        ("14", DATE),
        ("22", DATE),
        ("23", None),
        ("45", DATE),
        ("46", DURATION),
        ("47", DATE),
        ("49", None),
    ],
)
def test_built_in_formats_of_dates_are_known_by_number(number: str, expected: Format | None) -> None:
    assert built_in(number) is expected
