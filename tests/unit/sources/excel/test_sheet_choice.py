"""The choice of the sheet to read."""

import pytest

from consumer.errors import LayoutError
from consumer.sources.excel.reader_protocol import Sheet
from consumer.sources.excel.sheet_choice import choose_sheet


@pytest.mark.parametrize(
    ("names", "requested", "expected"),
    [
        (["Лист1", "Чаты"], None, "Чаты"),
        (["чаты ", "Чаты"], None, "Чаты"),
        (["Лист1", " ЧАТЫ\u200b"], None, " ЧАТЫ\u200b"),
        (["Лист1", "Лист2"], None, "Лист1"),
        (["Чаты", "Лист2"], "Лист2", "Лист2"),
    ],
)
def test_requested_or_default_or_first_sheet(names: list[str], requested: str | None, expected: str) -> None:
    assert choose_sheet([Sheet(name) for name in names], requested) == expected


def test_charts_are_skipped() -> None:
    assert choose_sheet([Sheet("Чаты", is_worksheet=False), Sheet("Лист1")], None) == "Лист1"


@pytest.mark.parametrize("sheets", [[], [Sheet("Чаты", is_worksheet=False)]])
def test_workbook_without_worksheets_is_rejected(sheets: list[Sheet]) -> None:
    with pytest.raises(LayoutError) as caught:
        choose_sheet(sheets, None)
    assert caught.value.code == "no_worksheet"


def test_error_of_missing_sheet_lists_the_others() -> None:
    with pytest.raises(LayoutError) as caught:
        choose_sheet([Sheet("Чаты"), Sheet("Лист2")], "чаты")
    assert caught.value.code == "sheet_not_found"
    assert "«Чаты», «Лист2»" in caught.value.message


def test_request_for_a_chart_is_an_error() -> None:
    with pytest.raises(LayoutError, match="is a chart") as caught:
        choose_sheet([Sheet("График", is_worksheet=False), Sheet("Чаты")], "График")
    assert caught.value.code == "sheet_not_found"
