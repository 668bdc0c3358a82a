"""The table of rejected rows says which rows corrections have stored or dismissed."""

import io
from typing import Any

from rich.console import Console

from producer_cli.render.rejected_rows_table import rejected_rows_table

ERRORS = [{"field": name, "code": name, "message": "wrong"} for name in ("inn", "kpp")]


def _lines(*corrections: dict[str, Any]) -> list[str]:
    rows = [
        {"row_number": number, "record_identifier": None, "errors": ERRORS, **correction}
        for number, correction in enumerate(corrections, 2)
    ]
    console = Console(file=io.StringIO(), width=120, color_system=None)
    console.print(rejected_rows_table(rows))
    output = console.file
    assert isinstance(output, io.StringIO)
    return [" ".join(line.split()) for line in output.getvalue().splitlines()]


def test_correction_is_named_in_the_first_line_of_its_row() -> None:
    assert _lines(
        {"state": "open", "corrected_by": None},
        {"state": "corrected", "corrected_by": 18},
        {"state": "dismissed", "corrected_by": None},
    ) == [
        "row identifier field code message correction",
        "2 inn inn wrong",
        "kpp kpp wrong",
        "3 inn inn wrong corrected by job 18",
        "kpp kpp wrong",
        "4 inn inn wrong dismissed",
        "kpp kpp wrong",
    ]


def test_table_without_corrections_has_no_column_for_them() -> None:
    assert _lines({"state": "open", "corrected_by": None}, {})[0] == "row identifier field code message"
