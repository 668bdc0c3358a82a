"""Workbooks made after public reports of wrong imports give the right values and warnings."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from consumer.datasets.chats.column_spec import COLUMN_SPEC
from consumer.datasets.chats.column_validator import column_validators
from consumer.datasets.chats.copy_text import NULL
from consumer.datasets.chats.rules.result import Valid
from tests.support.read_columns import read_columns
from tests.support.workbooks import FIXTURES

FIVE = range(5)
CASES: dict[str, dict[str, Sequence[str]]] = {
    "cdata_text.ods": {"name": [f"Чат {n}" for n in FIVE], "group": [f"Г-{n}" for n in FIVE]},
    "default_password.xls": {
        "name": ["Чат 0", "Чат 1", "IT club 2025: приём и выпуск", "Чат 3", "Чат 4"],
        "phone": ["+79123456789"] * 5,
    },
    "error_as_formula_text.xlsx": {
        "faculty": ["Факультет F02", "", "Факультет F02", "", ""],
        "group": ["Г-1", "Г-2", "", "Г-4", "Г-5"],
    },
    "error_cells.ods": {"name": [f"Чат F03 {n + 1}" for n in FIVE], "group": ["Г-1", "", "", "", ""]},
    "error_getting_data.xlsx": {
        "faculty": ["Факультет F01", "Факультет F01", "", "Факультет F01", "Факультет F01"],
        "group": [f"Г-{n + 1}" for n in FIVE],
    },
    "formulas_with_dummy_results.xlsx": {"group": ["0"] * 5, "participants": ["0"] * 5},
    "hidden_first_sheet.xlsx": {"name": [f"Чат F08 {n + 21}" for n in FIVE]},
    "shared_strings_elsewhere.xlsx": {"name": [f"Чат F06 {n + 1}" for n in FIVE]},
    "styles_named_otherwise.xlsx": {"group": ["2024-12-10"] * 5},
    "workbook_part_named_otherwise.xlsx": {"name": [f"Чат F05 {n + 1}" for n in FIVE]},
}
EXPECTED_WARNINGS = {"styles_named_otherwise.xlsx": {"date_in_text": 5}}
XLS_HAS_ONE_READER = [
    (name, low) for name in CASES for low in (False, True) if (name[-4:], low) != (".xls", True)
]


def read_values(
    path: Path, sheet: str | None = None, *, low_memory: bool = False
) -> tuple[dict[str, list[str]], Counter[str]]:
    """The values of each field after validation, and the warnings; no row is rejected."""
    rules = column_validators(date(2026, 3, 2))
    columns: dict[str, list[str]] = {}
    warned: Counter[str] = Counter()
    for field, cells in read_columns(path, sheet, fields=COLUMN_SPEC, low_memory=low_memory).items():
        column = rules[field].validate(cells)
        columns[field] = ["" if text == NULL else text for text in column.copy_texts]
        for verdict in column.flagged.values():
            assert isinstance(verdict, Valid), (field, verdict)
            warned[str(verdict.warning)] += 1
    return columns, warned


@pytest.mark.parametrize(("name", "low_memory"), XLS_HAS_ONE_READER)
def test_reported_case(name: str, low_memory: bool) -> None:
    columns, warned = read_values(FIXTURES / name, low_memory=low_memory)
    expected = CASES[name]
    assert {field: columns[field] for field in expected} == expected
    warned.pop("inn_check_digit", None)  # the ИНН are invented
    assert warned == EXPECTED_WARNINGS.get(name, {})


PHONES = {
    "8 (423) 202-25-11, доб. 100": "+74232022511",
    "+7(495)9885388 доб. 1311": "+74959885388",
    "89123456789 Иван": "+79123456789",
}
"""Cells with exactly one phone; all others have none, or an ambiguous one."""


@pytest.mark.parametrize("low_memory", [False, True])
def test_phone_is_stored_only_where_a_cell_holds_exactly_one(low_memory: bool) -> None:
    path = FIXTURES / "phones.xlsx"
    written = read_columns(path, fields=COLUMN_SPEC)["phone"]
    columns, warned = read_values(path, low_memory=low_memory)
    assert columns["phone"] == [PHONES.get(str(cell), "") for cell in written]
    assert (warned["phone_extension"], warned["phone"]) == (2, len(written) - len(PHONES))


@pytest.mark.parametrize("low_memory", [False, True])
@pytest.mark.parametrize("sheet", ["Данные ", "Группы\u00a02025", "«Группы\\u00a02025»"])
def test_sheet_is_requested_by_its_exact_name(sheet: str, low_memory: bool) -> None:
    columns, _ = read_values(FIXTURES / "sheet_name_with_trailing_blank.xlsx", sheet, low_memory=low_memory)
    assert columns["name"]
