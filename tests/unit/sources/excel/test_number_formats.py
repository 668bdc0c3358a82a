"""Which number formats are dates."""

import pytest

from consumer.sources.excel.number_formats import NumberFormat, classify_builtin, classify_format_code

NUMBER, DATE, DURATION, SCIENTIFIC = NumberFormat


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("dd.mm.yyyy", DATE),
        ("DD/MM/YY", DATE),
        ("H:MM:SS;@", DATE),
        ('m"M"d"D";@', DATE),
        ("[$-419]d mmmm yyyy", DATE),
        ("[$-404]e\\m", NUMBER),
        ("*-yyyy-mm-dd", DATE),
        ("[h]:mm:ss", DURATION),
        ("[ss]", DURATION),
        ("[>=100][Magenta][s].00", DURATION),
        ("[Blue]\\+[h]:mm;[Red]\\-[h]:mm", DURATION),
        ("0.00E+00", SCIENTIFIC),
        ("##0.0E+0", SCIENTIFIC),
        ("0.0##e-0", SCIENTIFIC),
        ("[Red]0E+00;0", SCIENTIFIC),
        ('"№ "0.00E+00" шт."', SCIENTIFIC),
        ('0"E+0"', NUMBER),
        ("0\\E+0", NUMBER),
        ("0;0.00E+00", NUMBER),
        ("0E", NUMBER),
        ("[$E+0]0", NUMBER),
        ("General", NUMBER),
        ("@", NUMBER),
        ("0", NUMBER),
        ("000000", NUMBER),
        ("#,##0\\ [$₽-46D]", NUMBER),
        ('#,##0.0####" YMD"', NUMBER),
        ('"Y: "0.00"m"', NUMBER),
        ("[Red]0", NUMBER),
        ("0_d", NUMBER),
        ("#,##0*y", NUMBER),
        ("\\Y000000", NUMBER),
        ("0;dd.mm", NUMBER),
        ('"never closed d', NUMBER),
        ("[never closed", NUMBER),
        ("\\", NUMBER),
        ("", NUMBER),
    ],
)
def test_custom_date_formats(code: str, expected: NumberFormat) -> None:
    assert classify_format_code(code) is expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("0", NUMBER),
        ("11", SCIENTIFIC),
        ("13", NUMBER),
        ("14", DATE),
        ("22", DATE),
        ("23", NUMBER),
        ("27", DATE),
        ("36", DATE),
        ("37", NUMBER),
        ("45", DATE),
        ("46", DURATION),
        ("47", DATE),
        ("48", SCIENTIFIC),
        ("49", NUMBER),
        ("50", DATE),
        ("58", DATE),
        ("59", NUMBER),
        ("014", NUMBER),
        ("9" * 5000, NUMBER),
    ],
)
def test_built_in_date_formats(number: str, expected: NumberFormat) -> None:
    assert classify_builtin(number) is expected
