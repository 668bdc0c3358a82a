"""The choice of the worksheet to read."""

from typing import Any

import pytest

from consumer.errors import LayoutError
from consumer.sources.google_sheets.errors import RetryableError
from consumer.sources.google_sheets.worksheets import Worksheet, choose_worksheet, parse_worksheets

FIRST, SECOND = Worksheet("Лист1", 11, 10, 2), Worksheet("It's", 22, 10, 2)
CHART = Worksheet("Диаграмма", 33)


def properties(index: int, **others: Any) -> dict[str, Any]:
    grid = {"rowCount": 10, "columnCount": 2}
    common = {"sheetId": index, "title": f"t{index}", "index": index, "sheetType": "GRID"}
    return {"properties": common | {"gridProperties": grid} | others}


def test_worksheets_are_in_the_order_of_tabs() -> None:
    chart = {"properties": {"sheetId": 5, "title": "c", "index": 1, "sheetType": "OBJECT"}}
    found = parse_worksheets({"sheets": [properties(2), chart, properties(0)]})
    assert found == [Worksheet("t0", 0, 10, 2), Worksheet("c", 5), Worksheet("t2", 2, 10, 2)]


@pytest.mark.parametrize(
    "metadata",
    [None, [], "x", {"sheets": None}, {"sheets": [{}]}, {"sheets": [properties(0, gridProperties=None)]}],
)
def test_invalid_metadata_is_retryable(metadata: Any) -> None:
    with pytest.raises(RetryableError):
        parse_worksheets(metadata)


@pytest.mark.parametrize(
    ("title", "number", "wanted"),
    [
        (None, None, FIRST),
        ("It's", None, SECOND),
        ("Лист1", 22, FIRST),
        (None, 22, SECOND),
        (None, 0, FIRST),
    ],
)
def test_worksheet_is_chosen_by_title_then_number_then_order(
    title: str | None, number: int | None, wanted: Worksheet
) -> None:
    assert choose_worksheet([CHART, FIRST, SECOND], title, number) == wanted


def test_gid_0_is_a_worksheet_if_it_exists() -> None:
    nought = Worksheet("последний", 0, 1, 1)
    assert choose_worksheet([FIRST, nought], None, 0) == nought


@pytest.mark.parametrize(("title", "number"), [("лист1", None), (None, 33), (None, 44), ("Диаграмма", None)])
def test_error_of_missing_worksheet_lists_the_others(title: str | None, number: int | None) -> None:
    with pytest.raises(LayoutError, match="«Лист1», «It's»") as caught:
        choose_worksheet([CHART, FIRST, SECOND], title, number)
    assert caught.value.code == "sheet_not_found"


def test_spreadsheet_of_charts_has_no_worksheet() -> None:
    for sheets in ([], [CHART]):
        with pytest.raises(LayoutError) as caught:
            choose_worksheet(sheets, None, None)
        assert caught.value.code == "no_worksheet"


def test_long_lists_of_names_are_cut() -> None:
    many = [Worksheet(f"Лист{i}", i, 1, 1) for i in range(1, 200)]
    with pytest.raises(LayoutError, match="…") as caught:
        choose_worksheet(many, "x", None)
    assert len(caught.value.message) < 500


OLD = Worksheet("Старые", 0, 10, 2, is_hidden=True)


@pytest.mark.parametrize("number", [None, 0])
def test_hidden_worksheet_is_skipped(number: int | None) -> None:
    assert choose_worksheet([OLD, CHART, FIRST], None, number) == FIRST


def test_hidden_worksheet_is_read_by_its_title() -> None:
    assert choose_worksheet([OLD, FIRST], "Старые", None) == OLD


def test_link_to_a_hidden_worksheet_is_rejected() -> None:
    hidden = Worksheet("Прошлый год", 22, 10, 2, is_hidden=True)
    with pytest.raises(LayoutError, match="«Прошлый год», is hidden") as caught:
        choose_worksheet([FIRST, hidden], None, 22)
    assert caught.value.code == "sheet_not_found"
    assert "Visible worksheets: «Лист1». Hidden: «Прошлый год»." in caught.value.message


def test_spreadsheet_of_hidden_worksheets_is_rejected() -> None:
    with pytest.raises(LayoutError, match="«Старые»") as caught:
        choose_worksheet([OLD], None, None)
    assert caught.value.code == "no_worksheet"


def test_hidden_property_is_read() -> None:
    found = parse_worksheets(
        {"sheets": [properties(0, hidden=True), properties(1, hidden=False), properties(2)]}
    )
    assert [sheet.is_hidden for sheet in found] == [True, False, False]


def test_title_with_invisible_characters() -> None:
    family = Worksheet("Группы\u00a0👩\u200d🎓 ", 5, 10, 2)
    assert choose_worksheet([FIRST, family], family.title, None) == family
    assert choose_worksheet([FIRST, family], "«Группы\\u00a0👩\\u200d🎓 »", None) == family
    with pytest.raises(LayoutError) as caught:
        choose_worksheet([FIRST, family], "Группы", None)
    assert "«Группы\\u00a0👩\\u200d🎓 »" in caught.value.message
