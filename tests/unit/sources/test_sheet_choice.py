"""Which sheet is read."""

import pytest

from consumer.errors import LayoutError
from consumer.sources.excel.reader_protocol import Sheet
from consumer.sources.excel.sheet_choice import choose_sheet


@pytest.mark.parametrize(
    ("names", "asked", "expected"),
    [
        (["Лист1", "Чаты"], None, "Чаты"),
        (["чаты ", "Чаты"], None, "Чаты"),
        (["Лист1", " ЧАТЫ\u200b"], None, " ЧАТЫ\u200b"),
        (["Лист1", "Лист2"], None, "Лист1"),
        (["Чаты", "Лист2"], "Лист2", "Лист2"),
    ],
)
def test_the_sheet_asked_for_or_the_usual_one_or_the_first(
    names: list[str], asked: str | None, expected: str
) -> None:
    assert choose_sheet([Sheet(name) for name in names], asked) == expected


def test_charts_are_passed_over() -> None:
    assert choose_sheet([Sheet("Чаты", is_worksheet=False), Sheet("Лист1")], None) == "Лист1"


@pytest.mark.parametrize("sheets", [[], [Sheet("Чаты", is_worksheet=False)]])
def test_without_a_worksheet_there_is_nothing_to_read(sheets: list[Sheet]) -> None:
    with pytest.raises(LayoutError) as caught:
        choose_sheet(sheets, None)
    assert caught.value.code == "no_worksheet"


def test_a_sheet_asked_for_by_nearly_its_name_is_not_found_and_those_there_are_are_named() -> None:
    with pytest.raises(LayoutError) as caught:
        choose_sheet([Sheet("Чаты"), Sheet("Лист2")], "чаты")
    assert caught.value.code == "sheet_not_found"
    assert "«Чаты», «Лист2»" in caught.value.message


def test_asking_for_a_chart_is_told_so() -> None:
    with pytest.raises(LayoutError, match="is a chart") as caught:
        choose_sheet([Sheet("График", is_worksheet=False), Sheet("Чаты")], "График")
    assert caught.value.code == "sheet_not_found"
